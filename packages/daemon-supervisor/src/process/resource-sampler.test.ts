import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterEach, expect, it, vi } from "vitest";
import { ResourceSampler, residentBytes } from "./resource-sampler.ts";

const pids: number[] = [];
afterEach(() => {
  for (const pid of pids.splice(0)) process.kill(pid, "SIGKILL");
});

function busy(): number {
  const pid = spawn("/bin/sh", ["-c", "while :; do :; done"]).pid ?? 0;
  pids.push(pid);
  return pid;
}

it("sums memory and processor time over the processes of a run, and knows nothing when none is alive", async () => {
  const [one, two] = [busy(), busy()];
  const sampler = new ResourceSampler();
  expect(sampler.sample([one, two], performance.now())).toMatchObject({ cpuCores: null });
  await vi.waitFor(() => expect(sampler.sample([one, two], performance.now())?.cpuCores).toBeGreaterThan(0), {
    timeout: 15_000,
    interval: 200,
  });
  expect(new ResourceSampler().sample([2 ** 22 + 1], 0)).toBe(null);
});

it("reads resident memory as the kernel tells it elsewhere", async () => {
  const pid = busy();
  // While it begins, its memory grows from one reading to the next.
  await vi.waitFor(
    () => {
      const seen = residentBytes([pid]) ?? 0;
      const [, kilobytes = "0"] =
        /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
      // The kernel counts in batches, so two readings may differ by some pages.
      expect(seen).toBeGreaterThan(0);
      expect(Math.abs(seen - Number(kilobytes) * 1024)).toBeLessThan(1024 * 1024);
    },
    { timeout: 15_000, interval: 20 },
  );
});
