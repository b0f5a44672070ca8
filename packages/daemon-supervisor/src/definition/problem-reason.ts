// core: pure
// What is wrong with one key, in words for who wrote the file. Values of variables may be secret: of a text nothing is repeated
// but where only few words are accepted.
import { nearestName } from "@ringrift/protocol";
import type { z } from "zod";

/** Where zod's own words remain, they begin so. */
const unworded = /^(Invalid|Too)\b/;

const wanted: Readonly<Record<string, string>> = {
  boolean: "true or false",
  number: "a number without a unit",
  int: "a whole number",
  string: "a text",
  array: "a list, such as [program, argument]",
  object: "keys with values",
  record: "keys with values",
};

/** Of an issue that was reported with its input. */
export function reasonOf(issue: z.core.$ZodIssue): string {
  if (!unworded.test(issue.message)) return issue.message;
  if (issue.code === "invalid_type") return typeReason(wanted[issue.expected] ?? issue.expected, issue.input);
  if (issue.code === "invalid_value") return choiceReason(issue.values.map(String), issue.input);
  if (issue.code === "too_small")
    return `must be ${issue.inclusive === false ? "more than" : "at least"} ${measure(issue, issue.minimum)}`;
  if (issue.code === "too_big")
    return `must be ${issue.inclusive === false ? "less than" : "at most"} ${measure(issue, issue.maximum)}`;
  return issue.message;
}

function typeReason(want: string, input: unknown): string {
  if (input === undefined) return `is missing; it must be ${want}`;
  if (input === null) return `is empty; it must be ${want}`;
  if (want === wanted.string && (typeof input === "number" || typeof input === "boolean"))
    return `must be a text; write it in quotes`;
  return `must be ${want}, not ${kindOf(input)}`;
}

function kindOf(input: unknown): string {
  if (Array.isArray(input)) return "a list";
  return typeof input === "object"
    ? "keys with values"
    : typeof input === "string"
      ? "a text"
      : `the ${typeof input} ${String(input)}`;
}

function choiceReason(values: readonly string[], input: unknown): string {
  const given = typeof input === "string" ? input : "";
  // TERM for SIGTERM is no slip of the finger.
  const near =
    values.find((value) => given !== "" && value.endsWith(given.toUpperCase())) ?? nearestName(given, values);
  const hint = near === null ? "" : `; did you mean ${near}?`;
  return `must be one of ${values.join(", ")}${hint}`;
}

function measure({ origin }: { readonly origin: string }, limit: number | bigint): string {
  const units: Readonly<Record<string, string>> = { string: " characters", array: " entries" };
  return `${limit}${units[origin] ?? ""}`;
}
