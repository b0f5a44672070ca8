import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { forever, sh, until, useRealDaemons } from "./daemons.test.kit.ts";
import { groupMembers } from "./process/process-group.ts";

const real = useRealDaemons();
const fastLoop = { firstDelaySeconds: 0.02, maxDelaySeconds: 0.02, burstDeaths: 3 };

it("runs daemons and stops them whole", async () => {
  const daemons = real.create([{ name: "a", command: sh(forever), critical: true }]);
  expect(daemons.livenessProbe()).toBe(false);
  expect(daemons.readinessProbe()).toBe(false);
  await daemons.start();
  await until(() => expect(real.one("a")).toMatchObject({ state: "running", ready: true }));
  expect(daemons.livenessProbe()).toBe(true);
  expect(daemons.readinessProbe()).toBe(true);
  expect(daemons.getDaemonHealth("a").isHealthy).toBe(true);
  const { pid } = real.one("a");
  await daemons.stop();
  expect(groupMembers(pid ?? 0)).toEqual([]);
  expect(real.one("a")).toMatchObject({ state: "stopped", pid: null, uptimeSeconds: null });
  expect(real.names("a")).toEqual(["DAEMON_STARTED", "COORDINATOR_HEALTHY", "DAEMON_STOPPED"]);
});

it("calls a daemon that keeps dying degraded, once", async () => {
  const daemons = await real.start([
    { name: "loop", command: sh("echo no GPU here >&2; exit 3"), critical: true, restart: fastLoop },
  ]);
  await until(() => expect(real.one("loop").state).toBe("degraded"));
  expect(real.one("loop")).toMatchObject({ restarts: 2, ready: false, pid: null });
  expect(real.one("loop").reason).toContain("exited with code 3; crash loop: 3 deaths");
  expect(daemons.livenessProbe()).toBe(false);
  expect(real.names("loop").filter((name) => name === "DAEMON_DEGRADED")).toHaveLength(1);
  expect(real.names("loop").filter((name) => name === "DAEMON_FAILED")).toHaveLength(3);
  expect(daemons.logs("loop").lines.map((line) => line.text)).toContain("no GPU here");
});

it("says what a dead daemon wrote last in the supervisor's log, and in nothing that others may read", async () => {
  await real.start([
    { name: "leaky", command: sh("echo token=s3cret >&2; exit 3"), restart: { mode: "never" } },
  ]);
  await until(() => expect(real.names("leaky")).toContain("DAEMON_FAILED"));
  expect(real.told.filter((line) => line.startsWith("DAEMON_FAILED leaky"))).toEqual([
    expect.stringContaining("; last output: token=s3cret"),
  ]);
  expect(JSON.stringify([real.events, real.manager.daemons()])).not.toContain("s3cret");
});

it("kills a daemon that ignores the stop signal", async () => {
  const daemons = await real.start([
    {
      name: "deaf",
      command: sh("trap '' TERM; echo up; while :; do sleep 0.05; done"),
      stop: { graceSeconds: 0.1 },
    },
  ]);
  await until(() => expect(daemons.logs("deaf").lines).toHaveLength(1));
  const { pid } = real.one("deaf");
  await daemons.stopDaemon("deaf");
  expect(groupMembers(pid ?? 0)).toEqual([]);
  expect(real.one("deaf")).toMatchObject({
    state: "stopped",
    reason: expect.stringMatching(/^stopped by an operator: killed after its grace, /),
  });
});

it("kills what a stopped process group still holds, after waking it", async () => {
  const daemons = await real.start([{ name: "frozen", command: sh("kill -STOP $$; exec sleep 1000") }]);
  await until(() => expect(real.one("frozen").ready).toBe(true));
  await daemons.stopDaemon("frozen");
  expect(real.one("frozen").state).toBe("stopped");
});

it("leaves no grandchild behind, neither at a crash nor at a stop", async () => {
  const daemons = await real.start([
    {
      name: "parent",
      command: sh("sleep 1000 & echo $!; exit 1"),
      restart: { firstDelaySeconds: 30, maxDelaySeconds: 30, burstDeaths: 2 },
    },
    { name: "family", command: sh("sleep 1000 & echo $!; wait") },
  ]);
  await until(() => expect(daemons.logs("parent").lines).toHaveLength(1));
  await until(() => expect(daemons.logs("family").lines).toHaveLength(1));
  const alive = (name: string): boolean => {
    try {
      const stat = readFileSync(`/proc/${daemons.logs(name).lines[0]?.text}/stat`, "latin1");
      return !stat.includes(") Z ");
    } catch {
      return false;
    }
  };
  await until(() => expect(alive("parent")).toBe(false));
  expect(alive("family")).toBe(true);
  await daemons.stop();
  expect(alive("family")).toBe(false);
});

it("starts a daemon only when its dependencies are ready, and stops it before them", async () => {
  const ready = join(real.folder, "ready");
  const daemons = await real.start([
    { name: "worker", command: sh(forever), dependsOn: ["store"] },
    { name: "store", command: sh(forever), liveness: { exec: ["test", "-e", ready], intervalSeconds: 0.05 } },
  ]);
  await until(() => expect(real.one("store").reason).toContain("start-up grace"));
  expect(real.one("worker")).toMatchObject({
    state: "initializing",
    reason: "waiting for store to be ready",
  });
  expect(daemons.readinessProbe()).toBe(false);
  writeFileSync(ready, "");
  await until(() => expect(daemons.readinessProbe()).toBe(true));
  await daemons.stop();
  const stops = real.events.filter((event) => event.name === "DAEMON_STOPPED");
  expect(stops.map((event) => event.data.daemon)).toEqual(["worker", "store"]);
});

it("restarts a daemon whose health check fails three times in a row, and only that one", async () => {
  await real.start([
    {
      name: "sick",
      command: sh(forever),
      restart: fastLoop,
      liveness: { exec: sh("echo queue is stuck; exit 1"), intervalSeconds: 0.02, graceSeconds: 0 },
    },
    { name: "fine", command: sh(forever) },
  ]);
  await until(() => expect(real.one("sick").restarts).toBeGreaterThan(0));
  const failed = real.events.find((event) => event.name === "DAEMON_FAILED");
  expect(failed?.name === "DAEMON_FAILED" && failed.data.reason).toContain("failed 3 times in a row");
  expect(failed?.name === "DAEMON_FAILED" && failed.data.reason).toContain("queue is stuck");
  expect(real.one("fine")).toMatchObject({ state: "running", restarts: 0 });
});

it("kills a health check that hangs", async () => {
  await real.start([
    {
      name: "slow",
      command: sh(forever),
      liveness: { exec: sh("sleep 1000"), intervalSeconds: 0.02, timeoutSeconds: 0.05, graceSeconds: 0 },
    },
  ]);
  await until(() => expect(real.one("slow").reason).toContain("took longer than 0.05 s"));
});

it("survives a listener that throws and names the daemons there are", async () => {
  const daemons = await real.start([{ name: "a", command: sh(forever) }], {
    onEvent: () => {
      throw new Error("listener broke");
    },
  });
  await until(() => expect(real.one("a").ready).toBe(true));
  expect(real.told.join("\n")).toContain("listener broke");
  expect(() => daemons.getDaemonHealth("b")).toThrow('There is no daemon "b"; defined are a.');
});

it("keeps the last words of a daemon, though they end in no newline and in no UTF-8", async () => {
  const daemons = await real.start([
    { name: "a", command: sh("printf 'first\\nla\\377st'; exit 1"), restart: { mode: "never" } },
  ]);
  await until(() => expect(real.one("a").state).toBe("failed"));
  expect(daemons.logs("a").lines.map(({ text }) => text)).toEqual(["first", "la\ufffdst"]);
});

it("shows no value of a daemon's environment, neither in what it answers nor in what it tells and keeps", async () => {
  const secret = "hunter2-and-more";
  const stateDir = join(real.folder, "state");
  writeFileSync(join(real.folder, "secrets"), `FROM_FILE=${secret}\n`);
  const daemons = await real.start(
    [
      {
        name: "a",
        command: sh(forever),
        env: { TOKEN: secret },
        envFiles: [join(real.folder, "secrets")],
        liveness: { exec: ["false"], intervalSeconds: 0.02, graceSeconds: 0 },
        restart: { firstDelaySeconds: 0.02 },
      },
    ],
    { stateDir },
  );
  await until(() => expect(real.one("a").restarts).toBeGreaterThan(0));
  const shown = [
    daemons.daemons(),
    daemons.getDaemonHealth("a"),
    [...daemons.memories()],
    real.events,
    real.told,
  ];
  await daemons.stop();
  expect(JSON.stringify(shown)).not.toContain(secret);
  expect(readFileSync(join(stateDir, "state.json"), "utf8")).not.toContain(secret);
});
