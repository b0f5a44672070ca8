import { acceptedText, type ProgramId, type Setting, settingsOf } from "@ringrift/config";
import { Command, CommanderError, Option } from "commander";

export type Action =
  | { readonly kind: "start"; readonly flags: Flags }
  | { readonly kind: "print"; readonly flags: Flags; readonly json: boolean }
  | { readonly kind: "check"; readonly flags: Flags }
  /** Help, version or a usage error, which commander has written already. */
  | { readonly kind: "done"; readonly exitCode: 0 | 64 };

/** Options as given, by long name without dashes. */
type Flags = Readonly<Record<string, string | undefined>>;

export interface CommandLineTexts {
  readonly program: ProgramId;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly examples: readonly string[];
}

/** Where commander writes; the process's own streams unless a test gives others. */
export interface Output {
  writeOut(text: string): void;
  writeErr(text: string): void;
}

/** What the arguments (without node and script) ask for. */
export function readCommandLine(texts: CommandLineTexts, argv: readonly string[], output?: Output): Action {
  let action: Action | null = null;
  const settings = settingsOf(texts.program);
  const root = new Command(texts.name)
    .description(texts.description)
    .version(texts.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", helpTail(texts))
    .exitOverride()
    .showHelpAfterError(`See ${texts.name} --help.`)
    .action(() => {
      action = { kind: "start", flags: flagsOf(settings, root) };
    });
  if (output !== undefined) root.configureOutput(output);
  root.addOption(new Option("--config <file>", "YAML file with settings [env RINGRIFT_CONFIG]"));
  for (const setting of settings) root.addOption(optionOf(setting));

  const config = root.command("config").description("show or check the configuration");
  config
    .command("print")
    .description("print each value with where it came from, secrets masked")
    .option("--json", "print JSON")
    .action((options: { readonly json?: boolean }) => {
      action = { kind: "print", flags: flagsOf(settings, root), json: options.json === true };
    });
  config
    .command("check")
    .description("check the configuration and exit 0 or 78")
    .action(() => {
      action = { kind: "check", flags: flagsOf(settings, root) };
    });

  try {
    root.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { kind: "done", exitCode: error.exitCode === 0 ? 0 : 64 };
  }
  return action ?? { kind: "done", exitCode: 64 };
}

function optionOf(setting: Setting): Option {
  const standard = setting.default ?? setting.defaultText;
  const facts = [
    acceptedText(setting),
    ...(standard === undefined ? [] : [`default ${standard}`]),
    `env ${setting.env}`,
  ];
  return new Option(`--${setting.flag} <${setting.kind}>`, `${setting.meaning} [${facts.join("; ")}]`);
}

function flagsOf(settings: readonly Setting[], command: Command): Flags {
  const values = command.opts<Record<string, string | undefined>>();
  const flags: Record<string, string | undefined> = {};
  for (const flag of ["config", ...settings.map((setting) => setting.flag)]) {
    const value = values[new Option(`--${flag} <value>`).attributeName()];
    if (value !== undefined) flags[flag] = value;
  }
  return flags;
}

function helpTail({ name, examples }: CommandLineTexts): string {
  const lines = [...examples, `${name} config print`].map((line) => `  $ ${line}`);
  return [
    "",
    "Options win over variables, variables over the file, the file over defaults.",
    "",
    "Examples:",
    ...lines,
  ].join("\n");
}
