import type { Command, Option } from "commander";

/** A word that may be typed, and what it means. */
export interface Word {
  readonly text: string;
  readonly meaning: string;
}

export interface OptionWord extends Word {
  /** What stands behind it. */
  readonly value: "nothing" | "file" | "text";
}

/** What may follow one verb, and before one (`path` is empty) what may follow the program's name. */
export interface Verb {
  /** e.g. `daemon start` */
  readonly path: string;
  /** The verbs below it, or what its argument may be. */
  readonly words: readonly Word[];
  /** Its own; those of the empty path may follow every verb. */
  readonly options: readonly OptionWord[];
}

/** Every verb of a program, itself first, read from the commands that its help is made of. */
export function vocabularyOf(program: Command): readonly [Verb, ...Verb[]] {
  const shared = optionsOf(program);
  const names = new Set(shared.map(({ text }) => text));
  const below = (command: Command, path: string): Verb[] =>
    command
      .createHelp()
      .visibleCommands(command)
      .filter((one) => one.name() !== "help")
      .flatMap((one) => {
        const own = `${path} ${one.name()}`.trim();
        const options = optionsOf(one).filter(({ text }) => !names.has(text));
        return [{ path: own, words: wordsOf(one), options }, ...below(one, own)];
      });
  return [{ path: "", words: wordsOf(program), options: shared }, ...below(program, "")];
}

function wordsOf(command: Command): Word[] {
  const verbs = command.createHelp().visibleCommands(command);
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  return [
    ...verbs.map((one) => ({ text: one.name(), meaning: one.description() })),
    ...choices.map((text) => ({ text, meaning: "" })),
  ];
}

function optionsOf(command: Command): OptionWord[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, description, flags, required }: Option) => {
      if (long == null) return [];
      const value = flags.includes("<file>") ? "file" : required ? "text" : "nothing";
      return [{ text: long, meaning: description, value } as const];
    });
}

/** Names of all options with that kind of value, each once. */
export function optionsWith(verbs: readonly Verb[], value: OptionWord["value"]): string[] {
  const all = verbs.flatMap(({ options }) => options.filter((option) => option.value === value));
  return [...new Set(all.map(({ text }) => text))];
}

/** The paths of all verbs, without the empty one. */
export function pathsOf(verbs: readonly Verb[]): string[] {
  return verbs.map(({ path }) => path).filter((path) => path !== "");
}
