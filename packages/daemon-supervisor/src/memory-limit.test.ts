import { afterEach, expect, it, vi } from "vitest";
import { readDefinitions } from "./definition/definition-reader.ts";
import { createDaemonManager } from "./manager.ts";
import type { DaemonManager } from "./manager-options.ts";

let manager: DaemonManager | undefined;
afterEach(async () => {
  await manager?.stop();
  manager = undefined;
});

it("a daemon that leaks is restarted soon after it has crossed its limit, and its neighbour is not", async () => {
  // 40 MB a second, each page written to.
  const leak = "const held = []; setInterval(() => held.push(Buffer.alloc(2e6, 1)), 50)";
  const { definitions, problems } = readDefinitions({
    daemons: [
      { name: "leak", command: [process.execPath, "-e", leak], memory: { maxMegabytes: 100 } },
      { name: "small", command: ["sleep", "1000"], memory: { maxMegabytes: 100 } },
    ],
  });
  expect(problems).toEqual([]);
  const daemons = createDaemonManager({
    definitions,
    nodeId: "n1",
    onEvent: () => undefined,
    log: () => undefined,
  });
  manager = daemons;
  await daemons.start();
  await vi.waitFor(() => expect(daemons.daemons()[0]?.restarts).toBe(1), { timeout: 25_000, interval: 50 });
  const [leaking, small] = daemons.daemons();
  const [, used] =
    /^uses (\d+) MB, more than its limit of 100 MB, and goes on growing$/.exec(leaking?.lastExit ?? "") ?? [];
  // Three samples five seconds apart would have let it have 600 MB more.
  expect(Number(used)).toBeLessThan(400);
  expect(small).toMatchObject({ state: "running", restarts: 0 });
});
