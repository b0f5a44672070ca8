import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { gpuErrorSchema } from "@ringrift/protocol";
import { z } from "zod";
import type { KernelMemory } from "./core/kernel-faults.ts";
import type { KernelLogCursor } from "./core/kernel-line.ts";

/** What the agent remembers of the kernel log over its restarts. */
export interface KernelLogMemory {
  readonly cursor: KernelLogCursor | null;
  readonly faults: KernelMemory;
}

const text = z.string().max(2000);
const count = z.number().min(0);
const fault = z.object({
  key: text,
  subject: text,
  severity: z.enum(["info", "warning", "error", "critical"]),
  action: z.enum(["ignore", "restart_app", "reset_gpu", "reboot", "inspect_hardware"]),
  reason: text,
  advice: text,
  windowSeconds: count,
  needed: count,
  bootId: text,
  firstAt: z.number(),
  lastAt: z.number(),
  count,
});
const schema = z.object({
  version: z.literal(1),
  cursor: z.object({ source: z.enum(["kmsg", "journald", "file"]), bootId: text, position: text }).nullable(),
  faults: z.object({
    bootId: text,
    gpuFaults: z.array(fault).max(256),
    hostFaults: z.array(fault).max(256),
    errors: z.array(gpuErrorSchema).max(64),
    errorCounts: z
      .array(z.object({ kind: z.enum(["xid", "sxid"]), busId: text, code: text, count }))
      .max(256),
    kindCounts: z.record(z.string().max(64), count),
    recurring: z.array(z.object({ key: text, boots: z.array(text).max(8), lastAt: z.number() })).max(64),
  }),
});

/** What was saved; null where nothing was, and `damaged` where it can't be understood: then the log tells anew. */
export async function loadKernelLogMemory(path: string): Promise<KernelLogMemory | null | "damaged"> {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(path, "utf8")));
    return parsed.success ? parsed.data : "damaged";
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT" ? null : "damaged";
  }
}

/**
 * Replaces the file as a whole. It is not forced to the disk: what it is for, not telling a boot's lines twice, ends with the boot.
 * @throws whatever the file system says.
 */
export async function saveKernelLogMemory(path: string, memory: KernelLogMemory): Promise<void> {
  const next = `${path}.next`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(next, JSON.stringify({ version: 1, ...memory }), { mode: 0o600 });
  await rename(next, path);
}
