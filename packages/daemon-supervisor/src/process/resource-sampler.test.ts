import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterEach, expect, it, vi } from "vitest";
import { ResourceSampler } from "./resource-sampler.ts";

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

it("reads resident memory as the kernel tells it elsewhere", () => {
  const pid = busy();
  const seen = new ResourceSampler().sample([pid], 0)?.memoryBytes ?? 0;
  const [, kilobytes = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  // The kernel counts in batches, so two readings may differ by some pages.
  expect(Math.abs(seen - Number(kilobytes) * 1024)).toBeLessThan(1024 * 1024);
});
