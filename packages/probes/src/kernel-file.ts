import { open, readdir } from "node:fs/promises";
import { errorText } from "@ringrift/protocol";
import { ProbeError } from "./probe-error.ts";

/** Larger than any real file of procfs or sysfs that a probe reads; the rest of a longer one is refused. */
const maxFileBytes = 1024 * 1024;

/**
 * Text of one file of procfs or sysfs; null where the kernel does not offer it (no such file, or not supported).
 * @throws ProbeError `PROBE_UNREADABLE` for any other failure, such as a missing permission.
 */
export async function readKernelFile(path: string, signal: AbortSignal): Promise<string | null> {
  signal.throwIfAborted();
  try {
    const file = await open(path, "r");
    try {
      return await readBounded(file, path);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof ProbeError) throw error;
    if (isAbsent(error)) return null;
    throw unreadable(path, error);
  }
}

/** As `readKernelFile`, for a file without which the probe has no answer. */
export async function requireKernelFile(path: string, signal: AbortSignal): Promise<string> {
  const text = await readKernelFile(path, signal);
  if (text !== null) return text;
  throw new ProbeError(
    "PROBE_UNREADABLE",
    `${path} does not exist, so there is nothing to judge.`,
    "This probe needs Linux with procfs; in a container mount the host's /proc and name it as procRoot.",
  );
}

/** Names in a folder of procfs or sysfs; null where there is no such folder. */
export async function listKernelFolder(path: string, signal: AbortSignal): Promise<string[] | null> {
  signal.throwIfAborted();
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if (isAbsent(error)) return null;
    throw unreadable(path, error);
  }
}

async function readBounded(file: Awaited<ReturnType<typeof open>>, path: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const buffer = Buffer.allocUnsafe(16_384);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return Buffer.concat(chunks).toString("utf8");
    size += bytesRead;
    if (size > maxFileBytes) {
      throw new ProbeError(
        "PROBE_BAD_INPUT",
        `${path} is longer than ${maxFileBytes} bytes.`,
        "Check that procRoot and sysRoot name real procfs and sysfs trees.",
      );
    }
    chunks.push(Buffer.from(buffer.subarray(0, bytesRead)));
  }
}

// ESRCH: the process ended between the listing and the read. EOPNOTSUPP: built in but switched off, as PSI may be.
const absentCodes: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR", "ESRCH", "EOPNOTSUPP", "ENODEV"]);

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && absentCodes.has(error.code);
}

function unreadable(path: string, error: unknown): ProbeError {
  return new ProbeError(
    "PROBE_UNREADABLE",
    `${path} could not be read: ${errorText(error)}.`,
    "Check the permissions of the user that runs the agent.",
    error,
  );
}
