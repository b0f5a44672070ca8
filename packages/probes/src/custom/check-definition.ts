import { accessSync, constants, readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { errorText } from "@ringrift/protocol";
import { z } from "zod";
import { ProbeError } from "../probe-error.ts";

/** One check that a user brings: a program after the monitoring plugins' convention. */
export interface CheckDefinition {
  readonly name: string;
  /** Program and arguments; no shell reads them. */
  readonly command: readonly string[];
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  /** Runs in a row until a fault is told. */
  readonly confirmRuns: number;
}

const standard = { intervalSeconds: 60, timeoutSeconds: 10, confirmRuns: 2 };
const maxChecks = 50;
const checkName = /^[a-z][a-z0-9_-]{0,49}$/;

const fileSchema = z.strictObject({
  checks: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(checkName, "a lower-case letter, then up to 49 letters, digits, dashes and underscores"),
        command: z.array(z.string().min(1).max(4096)).min(1).max(100),
        intervalSeconds: z.number().min(1).max(86_400).default(standard.intervalSeconds),
        timeoutSeconds: z.number().min(0.1).max(600).default(standard.timeoutSeconds),
        confirmRuns: z.int().min(1).max(100).default(standard.confirmRuns),
      }),
    )
    .max(maxChecks),
});

/**
 * Reads the text of a checks file; `file` is named in errors.
 * @throws ProbeError `CHECKS_INVALID` that names every mistake.
 */
export function parseChecksFile(text: string, file: string): CheckDefinition[] {
  const yaml = createRequire(import.meta.url)("yaml") as typeof import("yaml");
  let data: unknown;
  try {
    data = yaml.parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw invalid(file, errorText(error));
  }
  const parsed = fileSchema.safeParse(data);
  if (!parsed.success)
    throw invalid(
      file,
      parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "),
    );
  const names = new Set<string>();
  for (const { name } of parsed.data.checks) {
    if (names.has(name)) throw invalid(file, `two checks are called ${name}`);
    names.add(name);
  }
  return parsed.data.checks;
}

/** @throws ProbeError `CHECKS_INVALID` also where the file cannot be read. */
export function loadChecksFile(path: string): CheckDefinition[] {
  try {
    return parseChecksFile(readFileSync(path, "utf8"), path);
  } catch (error) {
    if (error instanceof ProbeError) throw error;
    throw invalid(path, errorText(error));
  }
}

/**
 * A check for each program in a folder, called as its file without the ending. A file that others may write is refused:
 * whoever may change it would act as the agent's user.
 * @throws ProbeError `CHECKS_INVALID` for a folder that cannot be read, or a program that is not safe to run.
 */
export function loadChecksFolder(folder: string): CheckDefinition[] {
  let files: string[];
  try {
    files = readdirSync(folder).sort();
  } catch (error) {
    throw invalid(folder, errorText(error));
  }
  const definitions: CheckDefinition[] = [];
  for (const file of files) {
    const path = join(folder, file);
    const name = file.replace(/\.[^.]*$/, "").toLowerCase();
    if (!isProgram(path)) continue;
    if (!checkName.test(name)) throw invalid(path, `"${name}" is no name for a check`);
    if ((statSync(path).mode & 0o022) !== 0)
      throw invalid(path, "its group or everyone may write it (chmod go-w)");
    definitions.push({ ...standard, name, command: [path] });
  }
  if (definitions.length > maxChecks) throw invalid(folder, `more than ${maxChecks} programs`);
  return definitions;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function invalid(where: string, what: string): ProbeError {
  return new ProbeError(
    "CHECKS_INVALID",
    `${where}: ${what}`,
    "See docs/custom-checks.md for the form of the file and of a check's program.",
  );
}
