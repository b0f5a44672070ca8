import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export const nowSeconds = (): number => Date.now() / 1000;

export const bootId = "1a2112ab-6343-415e-ad5a-e621e3f7f224";

export const xid = (code: number, bus = "3b"): string =>
  `NVRM: Xid (PCI:0000:${bus}:00): ${code}, pid=7, name=python, words`;

/** The folder of a host with a procfs and an empty log, for the time of a test. */
export function emptyHost(): { readonly folder: string; readonly log: string } {
  const folder = mkdtempSync(join(tmpdir(), "kernel-log-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const log = join(folder, "kern.log");
  writeFileSync(log, "");
  mkdirSync(join(folder, "proc/sys/kernel/random"), { recursive: true });
  boot(folder);
  return { folder, log };
}

/** Gives the host the id of a boot. */
export function boot(folder: string, id: string = bootId): void {
  writeFileSync(join(folder, "proc/sys/kernel/random/boot_id"), `${id}\n`);
}

export function write(path: string, ...lines: readonly string[]): void {
  appendFileSync(path, lines.map((line) => `${line}\n`).join(""));
}
