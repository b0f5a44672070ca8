import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { errorText, RingRiftError } from "@ringrift/protocol";
import { z } from "zod";
import type { PipelineMemory } from "./stages.ts";

const time = z.number().nullable();
const fileSchema = z.object({
  version: z.literal(1),
  stages: z.record(
    z.string(),
    z.object({
      firstReportAt: z.number(),
      step: time,
      progressAt: time,
      successAt: time,
      failureAt: time,
      newestDataAt: time,
    }),
  ),
});

/**
 * What an earlier run remembered; empty when there was none.
 * @throws RingRiftError `STAGE_FILE_BAD` when the file is there and unreadable: forgetting it would reset every age.
 */
export function loadStages(path: string): PipelineMemory {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw bad(path, errorText(error));
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw bad(path, errorText(error));
  }
  const checked = fileSchema.safeParse(parsed);
  if (checked.success) return checked.data.stages;
  const issue = checked.error.issues[0];
  throw bad(path, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
}

/** Writes the memory so that a crash leaves either the old file or the new one. */
export function saveStages(path: string, memory: PipelineMemory): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const next = `${path}.next`;
  const file = openSync(next, "w", 0o600);
  try {
    writeFileSync(file, JSON.stringify({ version: 1, stages: memory }));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(next, path);
}

function bad(path: string, why: string): RingRiftError {
  return new RingRiftError(`The stage file ${path} cannot be read: ${why}.`, {
    code: "STAGE_FILE_BAD",
    nextStep: "Move it away to start with unknown ages, or restore it.",
  });
}
