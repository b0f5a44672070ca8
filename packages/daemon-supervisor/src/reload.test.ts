import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { define, forever, sh, until, useRealDaemons } from "./daemons.test.kit.ts";
import { groupMembers } from "./process/process-group.ts";

const real = useRealDaemons();

it("keeps a daemon stopped that an operator stopped, until started by name", async () => {
  const both = [
    { name: "a", command: sh(forever) },
    { name: "b", command: sh(forever) },
  ];
  const daemons = await real.start(both);
  await daemons.stopDaemon("a");
  await daemons.reload(define([{ ...both[0], env: { X: "1" } }, both[1] ?? {}]));
  expect(real.one("a").pid).toBe(null);
  await daemons.startDaemon("a");
  await until(() => expect(real.one("a").state).toBe("running"));
  const before = real.one("a").pid;
  await daemons.restartDaemon("a");
  await until(() => expect(real.one("a").ready).toBe(true));
  expect(real.one("a").pid).not.toBe(before);
});

it("reloads without touching what did not change", async () => {
  const daemons = await real.start([
    { name: "same", command: sh(forever) },
    { name: "gone", command: sh(forever) },
    { name: "broken", command: ["no-such-program-here"] },
  ]);
  await until(() => expect(real.one("broken").state).toBe("start_refused"));
  await until(() => expect(real.one("gone").ready).toBe(true));
  const same = real.one("same").pid;
  const gone = real.one("gone").pid;
  await daemons.reload(
    define([
      { name: "same", command: sh(forever) },
      { name: "broken", command: sh(forever) },
      { name: "new", command: sh(forever), dependsOn: ["same"] },
    ]),
  );
  await until(() => expect(daemons.readinessProbe()).toBe(true));
  expect(real.one("same").pid).toBe(same);
  expect(groupMembers(gone ?? 0)).toEqual([]);
  await expect(
    daemons.reload(
      define([{ name: "x", command: ["x"], dependsOn: [] }]).concat(define([{ name: "x", command: ["x"] }])),
    ),
  ).rejects.toMatchObject({ code: "DAEMONS_INVALID" });
  expect(daemons.readinessProbe()).toBe(true);
});

it("ends in the state last asked for, however starts and stops overlap", async () => {
  const daemons = await real.start([{ name: "a", command: sh("sleep 1000 & exec sleep 1000") }]);
  const stops = [daemons.stopDaemon("a")];
  await daemons.startDaemon("a");
  stops.push(daemons.restartDaemon("a"), daemons.stopDaemon("a"));
  await daemons.startDaemon("a");
  await Promise.all(stops);
  await until(() => expect(real.one("a").ready).toBe(true));
  const pid = real.one("a").pid ?? 0;
  const again = daemons.stopDaemon("a");
  await Promise.all([again, daemons.stopDaemon("a")]);
  expect(real.one("a").state).toBe("stopped");
  expect(groupMembers(pid)).toEqual([]);
  expect(real.names("a").filter((name) => name === "DAEMON_STARTED").length).toBeLessThanOrEqual(
    real.names("a").filter((name) => name === "DAEMON_STOPPED").length,
  );
});

it("runs one copy of a daemon after reloads that overlap, and none after a stop", async () => {
  const version = (v: string): Record<string, unknown> => ({
    name: "a",
    command: sh(`echo $$; ${forever}`),
    env: { V: v },
  });
  const daemons = await real.start([version("1")]);
  await until(() => expect(real.one("a").ready).toBe(true));
  await Promise.all(["2", "3", "2"].map((v) => daemons.reload(define([version(v)]))));
  await until(() => expect(real.one("a").ready).toBe(true));
  const { pid } = real.one("a");
  await daemons.stop();
  expect(groupMembers(pid ?? 0)).toEqual([]);
  const started = real.events.filter((event) => event.name === "DAEMON_STARTED");
  for (const event of started)
    expect(groupMembers(Number(event.data.reason.replace("pid ", "")))).toEqual([]);
});

it("changes the limits of a log under a daemon that runs, which it does not restart", async () => {
  const counter = (logs: Record<string, number>): Record<string, unknown> => ({
    name: "a",
    command: sh("while :; do seq 1 200; sleep 0.02; done"),
    logs,
  });
  const stateDir = join(real.folder, "state");
  const files = (): string[] =>
    readdirSync(join(stateDir, "daemons/a")).filter((name) => name.startsWith("log"));
  const daemons = await real.start([counter({ ringLines: 10_000, maxMegabytes: 0.01, files: 4 })], {
    stateDir,
  });
  await until(() => expect(daemons.logs("a").lines.length).toBeGreaterThan(100));
  const { pid } = real.one("a");
  // Files of an earlier supervisor's time, which kept more of them.
  for (const age of [1, 2, 3]) writeFileSync(join(stateDir, `daemons/a/log.${age}`), "old\n");
  await daemons.reload(define([counter({ ringLines: 20, maxMegabytes: 0.01, files: 2 })]));
  expect(daemons.logs("a").lines.length).toBeLessThanOrEqual(20);
  await until(() => expect(files().toSorted()).toEqual(["log", "log.1"]));
  expect(daemons.logs("a").lines.length).toBeLessThanOrEqual(20);
  expect(real.one("a")).toMatchObject({ pid, restarts: 0, state: "running" });
});
