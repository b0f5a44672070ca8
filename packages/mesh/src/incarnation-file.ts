import { join } from "node:path";
import { errorText } from "@ringrift/protocol";
import { readIfThere, writeDurably } from "./durable-file.ts";
import type { MeshLog } from "./mesh.ts";
import { MeshError } from "./mesh-error.ts";

/**
 * The number of this start of the node, higher than that of any earlier one, so that a restart outranks what was said of
 * the life before it. It follows the wall clock, so a lost or torn file does no harm while the clock is right.
 *
 * @param nowMs milliseconds since 1970
 * @throws MeshError `DATA_DIR` when the directory cannot be written
 */
export function nextBoot(dataDir: string, nowMs: number, log: MeshLog): number {
  const path = join(dataDir, "boot");
  try {
    const text = readIfThere(path);
    const previous = text === null ? 0 : Number(text.trim());
    const usable = Number.isSafeInteger(previous) && previous >= 0;
    if (!usable) log("warn", "the boot counter is unreadable; it starts from the clock", { path });
    const boot = Math.max(usable ? previous + 1 : 0, Math.floor(nowMs));
    writeDurably(path, `${boot}\n`);
    return boot;
  } catch (cause) {
    throw new MeshError(`The boot counter ${path} cannot be kept: ${errorText(cause)}.`, {
      code: "DATA_DIR",
      nextStep: "Make the data directory writable, or choose another with --data-dir.",
      cause,
    });
  }
}
