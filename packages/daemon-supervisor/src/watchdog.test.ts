import {
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { DaemonDefinition } from "./definition/definition.ts";
import { defineService, readDefinitions } from "./definition/definition-reader.ts";
import { createDaemonManager } from "./manager.ts";
import type { DaemonManager } from "./manager-options.ts";
import { otherSupervisor } from "./supervisor.test.kit.ts";

let folder = "";
let manager: DaemonManager | undefined;
let server: Server | undefined;
let pings: NodeJS.Timeout | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "watchdog-"));
});
afterEach(async () => {
  clearInterval(pings);
  await manager?.stop();
  manager = undefined;
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 20 });
/** Says that it is ready, and what else it has to say, then does as the script does. */
const daemon = (script: string, more: Record<string, unknown> = {}, words = ""): Record<string, unknown> => ({
  name: "a",
  command: ["/bin/sh", "-c", `printf 'READY=1\\n${words}' >&3; ${script}`],
  readiness: { notify: true },
  watchdogSeconds: 0.5,
  restart: { firstDelaySeconds: 0.01 },
  ...more,
});
const silent = "exec sleep 1000";
/** Signs of life until the file is there. */
const pinging = (): string =>
  `i=0; while [ ! -e ${folder}/hush ]; do i=$((i+1)); printf "WATCHDOG=1\\nSTATUS=$i\\n" >&3; sleep 0.05; done; ${silent}`;
const overdue = "watchdog: no sign of life for 0.5 s";

async function started(
  one: Record<string, unknown>,
  services: readonly DaemonDefinition[] = [],
): Promise<DaemonManager> {
  manager = createDaemonManager({
    definitions: [...readDefinitions({ daemons: [one] }).definitions, ...services],
    nodeId: "n1",
    onEvent: () => undefined,
    log: () => undefined,
    stateDir: folder,
  });
  await manager.start();
  return manager;
}
const seen = (daemons: DaemonManager): ReturnType<DaemonManager["daemons"]>[number] | undefined =>
  daemons.daemons()[0];

it("a daemon that sends no more signs of life is restarted for it, though it still answers over HTTP", async () => {
  server = createServer((_, response) => response.end("fine"));
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const liveness = { http: `http://127.0.0.1:${port}/`, intervalSeconds: 0.05 };
  const daemons = await started(daemon(pinging(), { liveness }));
  await until(() => expect(seen(daemons)?.errorRate).toBe(0));
  expect(seen(daemons)).toMatchObject({ state: "running", restarts: 0 });
  writeFileSync(join(folder, "hush"), "");
  await until(() => expect(seen(daemons)?.lastExit).toBe(overdue));
});

it("a daemon is not restarted for the time in which a service inside the process blocked the loop", async () => {
  let block: () => void = () => undefined;
  const hog = defineService(
    { name: "hog" },
    {
      start: () => {
        block = () => {
          const end = performance.now() + 2_500;
          while (performance.now() < end);
        };
      },
      stop: () => undefined,
    },
  );
  const daemons = await started(daemon(pinging(), { watchdogSeconds: 1 }), [hog]);
  await until(() => expect(Number(seen(daemons)?.reason)).toBeGreaterThan(1));
  const heard = Number(seen(daemons)?.reason);
  block();
  await until(() => expect(Number(seen(daemons)?.reason)).toBeGreaterThan(heard + 20));
  expect(daemons.daemons()).toMatchObject([
    { state: "running", restarts: 0, lastExit: null },
    { name: "hog", state: "running", restarts: 0 },
  ]);
});

it("a daemon that asks for more time gets it", async () => {
  const daemons = await started(
    daemon(
      `sleep 0.5; echo STATUS=later >&3; ${silent}`,
      { watchdogSeconds: 0.2 },
      "EXTEND_TIMEOUT_USEC=60000000\\n",
    ),
  );
  await until(() => expect(seen(daemons)?.reason).toBe("later"));
  expect(seen(daemons)).toMatchObject({ state: "running", restarts: 0 });
});

it("a sign of life from a process that is not the daemon's own is refused: the pipe has no name", async () => {
  const place = join(folder, "daemons", "a");
  const daemons = await started(daemon(silent));
  pings = setInterval(() => {
    for (const name of readdirSync(place).filter((one) => lstatSync(join(place, one)).isFIFO())) {
      const fd = openSync(join(place, name), "r+");
      writeSync(fd, "\nWATCHDOG=1\n");
      closeSync(fd);
    }
  }, 20);
  await until(() => expect(seen(daemons)?.lastExit).toBe(overdue));
});

it("a sign of life from what an earlier run left behind does not count for the next one", async () => {
  const daemons = await started(daemon(silent, { watchdogSeconds: 1 }));
  await until(() => expect(seen(daemons)?.ready).toBe(true));
  const pid = seen(daemons)?.pid ?? 0;
  const old = openSync(`/proc/${pid}/fd/3`, "r+");
  pings = setInterval(() => writeSync(old, "WATCHDOG=1\n"), 100);
  process.kill(pid, "SIGKILL");
  await until(() => expect(seen(daemons)?.lastExit).toBe("watchdog: no sign of life for 1 s"));
  clearInterval(pings);
  closeSync(old);
});

it("the signs of life of a daemon are heard by the supervisor that takes it over", async () => {
  const one = daemon(pinging(), { watchdogSeconds: 2 });
  const first = await otherSupervisor(folder, [one]);
  let pid: number | null = null;
  await vi.waitFor(
    async () => {
      const [before] = await first.daemons();
      expect(before).toMatchObject({ state: "running" });
      pid = before?.pid ?? null;
    },
    { timeout: 20_000, interval: 20 },
  );
  await first.kill();
  const daemons = await started(one);
  // Those that waited in the pipe, and further ones.
  await until(() => expect(Number(seen(daemons)?.reason)).toBeGreaterThan(0));
  const heard = Number(seen(daemons)?.reason);
  await until(() => expect(Number(seen(daemons)?.reason)).toBeGreaterThan(heard));
  expect(seen(daemons)).toMatchObject({ state: "running", pid, restarts: 0 });
  writeFileSync(join(folder, "hush"), "");
  await until(() => expect(seen(daemons)?.lastExit).toBe("watchdog: no sign of life for 2 s"));
});
