import { spawn } from "node:child_process";
import { afterEach, expect, it, vi } from "vitest";
import { ResourceSampler } from "./resource-sampler.ts";

const pids: number[] = [];
afterEach(() => {
  for (const pid of pids.splice(0)) process.kill(-pid, "SIGKILL");
});

it("sums memory and processor time over a daemon's tree, and knows nothing of a tree that is gone", async () => {
  const child = spawn("/bin/sh", ["-c", "while :; do :; done & while :; do :; done"], { detached: true });
  const pid = child.pid ?? 0;
  pids.push(pid);
  const sampler = new ResourceSampler(() => performance.now());
  expect(sampler.sample([pid]).get(pid)).toMatchObject({ cpuCores: null });
  await vi.waitFor(
    () => {
      const use = sampler.sample([pid, 2 ** 22 + 1]);
      expect(use.size).toBe(1);
      expect(use.get(pid)?.cpuCores).toBeGreaterThan(0);
      expect(use.get(pid)?.memoryBytes).toBeGreaterThan(100_000);
    },
    { timeout: 15_000, interval: 200 },
  );
});
