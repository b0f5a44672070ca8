import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { define, forever, sh, until, useRealDaemons } from "./daemons.test.kit.ts";
import type { DaemonDefinition } from "./definition/definition.ts";
import { createDaemonManager } from "./manager.ts";
import type { DaemonManager } from "./manager-options.ts";

const real = useRealDaemons();
let manager: DaemonManager | undefined;
afterEach(async () => {
  await manager?.stop();
  manager = undefined;
});

it("that trying again will not cure is refused with its cause, and not retried", async () => {
  await real.start([
    { name: "missing", command: ["no-such-program-here"] },
    { name: "folder", command: sh(forever), cwd: join(real.folder, "nowhere") },
    { name: "forbidden", command: [real.folder] },
    { name: "large", command: sh(forever), env: { LARGE: "x".repeat(200_000) } },
  ]);
  await until(() =>
    expect(real.manager.daemons().map(({ state }) => state)).toEqual(Array(4).fill("start_refused")),
  );
  const reasons = Object.fromEntries(real.manager.daemons().map(({ name, reason }) => [name, reason]));
  expect(reasons).toEqual({
    missing: "program no-such-program-here not found",
    folder: `working directory ${join(real.folder, "nowhere")} does not exist`,
    forbidden: `program ${real.folder} may not be executed (EACCES)`,
    large: "could not start /bin/sh: its arguments and environment are too large",
  });
  expect(real.manager.daemons().map(({ restarts }) => restarts)).toEqual(Array(4).fill(0));
  expect(real.names("missing")).toEqual(["DAEMON_FAILED", "COORDINATOR_UNHEALTHY"]);
});

/** Root may exceed the limit on processes, an account that it starts a program as may not. */
it.runIf(process.getuid?.() === 0)(
  "for want of processes (EAGAIN) is retried, and starts when there are some",
  async () => {
    const user = { name: "nobody", uid: 65_534, gid: 65_534, groups: [], home: "/nonexistent" };
    const limit = (processes: string): unknown =>
      execFileSync("prlimit", [`--pid=${process.pid}`, `--nproc=${processes}:`]);
    // The first process of an account is allowed whatever the limit.
    const other = spawn("sleep", ["1000"], { uid: user.uid, gid: user.gid });
    const daemons = createDaemonManager({
      definitions: define([
        { name: "a", command: ["sleep", "1000"], restart: { firstDelaySeconds: 0.05 } },
      ]).map((one): DaemonDefinition => ({ ...one, user })),
      nodeId: "n1",
      onEvent: () => undefined,
      log: () => undefined,
    });
    manager = daemons;
    const [, before = ""] = /^Max processes\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    limit("0");
    try {
      await daemons.start();
      await until(() =>
        expect(daemons.daemons()[0]?.lastExit).toBe(
          "could not start sleep: no more processes are allowed (EAGAIN)",
        ),
      );
    } finally {
      limit(before);
      other.kill();
    }
    await until(() => expect(daemons.daemons()).toMatchObject([{ state: "running" }]));
    expect(daemons.daemons()[0]?.restarts).toBeGreaterThan(0);
  },
);
