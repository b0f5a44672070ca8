import { nearestName } from "@ringrift/protocol";
import { z } from "zod";

/** An object of known keys; an unknown one is answered with the nearest, one line of the message for each. */
export function section<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === "invalid_type" && issue.input !== undefined)
        return `must be keys with values; known are ${Object.keys(shape).join(", ")}`;
      if (issue.code !== "unrecognized_keys") return undefined;
      const keys: readonly string[] = Array.isArray(issue.keys) ? issue.keys : [];
      return keys.map((key) => unknownKeyText(key, Object.keys(shape))).join("\n");
    },
  });
}

function unknownKeyText(key: string, known: readonly string[]): string {
  const near = nearestName(key, known);
  return near === null ? `unknown key; known are ${known.join(", ")}` : `unknown key; did you mean ${near}?`;
}

export const word: z.ZodType<string> = z
  .string()
  .refine((text) => !text.includes("\0"), "must not contain a NUL character");
export const argv: z.ZodType<string[]> = z
  .array(word)
  .min(1, "needs a program")
  .max(1000)
  .refine((words) => words[0] !== "", { message: "needs a program, not an empty string", path: [0] });
/** Seconds, up to a day. */
export const span: z.ZodType<number> = z.number().positive().max(86_400);
