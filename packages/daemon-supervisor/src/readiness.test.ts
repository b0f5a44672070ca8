import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { parseDaemonsFile } from "./definition/definition-file.ts";
import { createDaemonManager } from "./manager.ts";
import type { DaemonManager } from "./manager-options.ts";

let folder = "";
let manager: DaemonManager | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "daemons-"));
});
afterEach(async () => {
  await manager?.stop();
  manager = undefined;
  rmSync(folder, { recursive: true });
});

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 15_000, interval: 20 });

async function started(text: string): Promise<DaemonManager> {
  manager = createDaemonManager({
    definitions: parseDaemonsFile(text, join(folder, "daemons.yaml")),
    nodeId: "n1",
    onEvent: () => undefined,
    log: () => undefined,
  });
  await manager.start();
  return manager;
}

it("by a newline on the notification descriptor is as s6 programs tell it", async () => {
  const go = join(folder, "go");
  const daemons = await started(`daemons:
  - name: a
    command: [/bin/sh, -c, "while ! test -e ${go}; do sleep 0.02; done; echo >&5; exec sleep 1000"]
    readiness: { notify: true }
    notifyFd: 5
`);
  await until(() => expect(daemons.daemons()[0]?.pid).toBeGreaterThan(0));
  expect(daemons.daemons()).toMatchObject([{ state: "starting", ready: false }]);
  writeFileSync(go, "");
  await until(() => expect(daemons.daemons()).toMatchObject([{ state: "running", ready: true }]));
});

it("by notification comes before dependents start, and a silent watchdog restarts the daemon", async () => {
  const daemons = await started(`daemons:
  - name: a
    command: [/bin/sh, -c, 'echo >&"$RINGRIFT_NOTIFY_FD"; echo "STATUS=busy" >&"$RINGRIFT_NOTIFY_FD"; exec sleep 1000']
    readiness: { notify: true }
    watchdogSeconds: 0.3
    notifyFd: 4
  - name: b
    command: [sleep, "1000"]
    dependsOn: [a]
`);
  await until(() => expect(daemons.daemons()).toMatchObject([{ reason: "busy" }, { state: "running" }]));
  await until(() => expect(daemons.daemons()[0]?.lastExit).toBe("watchdog: no sign of life for 0.3 s"));
});

it("by log line comes when the line is written", async () => {
  const daemons = await started(`daemons:
  - name: a
    command: [/bin/sh, -c, "echo loading; echo serving on 80; exec sleep 1000"]
    readiness: { logLine: "^serving on [0-9]+$" }
`);
  await until(() =>
    expect(daemons.daemons()).toMatchObject([{ state: "running", reason: 'wrote "serving on 80"' }]),
  );
});

it("never said is a failed start at its time-out, and dependents stay down", async () => {
  const daemons = await started(`daemons:
  - name: a
    command: [sleep, "1000"]
    readiness: { notify: true, withinSeconds: 0.2 }
  - name: b
    command: [sleep, "1000"]
    dependsOn: [a]
`);
  await until(() => expect(daemons.daemons()[0]?.lastExit).toBe("not ready within 0.2 s of its start"));
  expect(daemons.daemons()[1]).toMatchObject({ state: "initializing", reason: "waiting for a to be ready" });
});

it("gets the variables of env files and of env, and nothing of the supervisor's own", async () => {
  writeFileSync(join(folder, "a.env"), "A=file\nB=file\n");
  process.env.RINGRIFT_TEST_SECRET = "hunter2";
  try {
    const daemons = await started(`daemons:
  - name: a
    command: [/bin/sh, -c, 'echo "$A $B $RINGRIFT_TEST_SECRET."; exec sleep 1000']
    envFiles: [a.env]
    env: { B: own }
`);
    await until(() =>
      expect(daemons.logs("a").lines).toMatchObject([{ stream: "stdout", text: "file own ." }]),
    );
  } finally {
    delete process.env.RINGRIFT_TEST_SECRET;
  }
});

it("completes, and only then lets those start who wait for that; its exit code is told", async () => {
  const daemons = await started(`daemons:
  - name: migrate
    command: [/bin/sh, -c, "exit 3"]
    restart: { mode: on-failure, success: [3] }
  - name: web
    command: [sleep, "1000"]
    dependsOn: [{ name: migrate, condition: completed }]
`);
  await until(() => expect(daemons.readinessProbe()).toBe(true));
  expect(daemons.daemons()).toMatchObject([
    { state: "completed", lastExit: "exited with code 3", ready: false },
    { state: "running", lastExit: null },
  ]);
  expect(daemons.getDaemonHealth("migrate").isHealthy).toBe(true);
});
