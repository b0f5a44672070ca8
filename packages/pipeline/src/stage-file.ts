// core: pure
import { RingRiftError } from "@ringrift/protocol";
import { z } from "zod";
import type { StageDefinition } from "./stages.ts";

// As many as one node's report carries.
const maxStages = 100;
const maxLimitHours = 8760;

const stagesSchema = z.record(
  z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, "a name is lower-case letters, digits, _ and -, at most 64"),
  z.number().positive().max(maxLimitHours),
);

/**
 * A user's own stages from an already parsed file: a map of name to limit in hours (above 0, at most 8,760).
 *
 * @throws RingRiftError `STAGES_INVALID` naming the stage.
 *
 * @example
 * parseStages({ training: 24, labelling: 12 });
 */
export function parseStages(value: unknown): StageDefinition[] {
  const parsed = stagesSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const inner = issue?.code === "invalid_key" ? issue.issues[0]?.message : issue?.message;
    throw invalid(`${issue?.path.map(String).join(".") || "(the whole list)"}: ${inner ?? "invalid"}`);
  }
  const stages = Object.entries(parsed.data).map(([name, limitHours]) => ({ name, limitHours }));
  if (stages.length === 0 || stages.length > maxStages)
    throw invalid(`${stages.length} stages; 1 to ${maxStages} are accepted`);
  return stages;
}

function invalid(why: string): RingRiftError {
  return new RingRiftError(`The pipeline's stages are not valid: ${why}.`, {
    code: "STAGES_INVALID",
    nextStep: "Write one line per stage, its name and its limit in hours, as in `training: 24`.",
  });
}
