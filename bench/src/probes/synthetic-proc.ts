import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const copied = [
  "stat",
  "loadavg",
  "meminfo",
  "vmstat",
  "diskstats",
  "net/dev",
  "self/mountinfo",
  "pressure/cpu",
  "pressure/memory",
  "pressure/io",
  "sys/fs/file-nr",
  "sys/kernel/tainted",
];

/** A folder like /proc with what the host's checks read of this one, and so many processes. A disk answers faster than the kernel. */
export function writeSyntheticProc(folder: string, processes: number): void {
  for (const file of copied) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    try {
      // Not copied as files: the kernel says that these have no length.
      writeFileSync(join(folder, file), readFileSync(join("/proc", file)));
    } catch {
      // This kernel does not keep it, and the check that reads it says so.
    }
  }
  const pid = readdirSync("/proc").find((name) => Number(name) > 0) ?? "self";
  const line = readFileSync(`/proc/${pid}/stat`, "utf8");
  for (let process = 1; process <= processes; process += 1) {
    mkdirSync(join(folder, String(process)));
    writeFileSync(join(folder, String(process), "stat"), line.replace(/^\d+/, String(process)));
  }
}
