import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CheckReport } from "@ringrift/protocol";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { startCluster } from "../src/cluster.ts";
import { killLeftovers, mainOf, type Program, startCommand, waitFor } from "../src/program.ts";

const directory = mkdtempSync(join(tmpdir(), "ringrift-services-"));
afterEach(killLeftovers);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A host of its own for what runs in it: an empty /run, and a loopback device that nobody else has. */
class Room {
  readonly #holder: Program;

  constructor() {
    const prepare = "ip link set lo up && mount -t tmpfs none /run && mkdir -p /run/chrony && echo ready";
    this.#holder = startCommand("unshare", ["-nm", "sh", "-c", `${prepare} && exec sleep 600`], {});
  }

  async ready(): Promise<void> {
    await waitFor("the room", async () => (this.#holder.output().includes("ready") ? true : null));
  }

  start(command: string, ...args: readonly string[]): Program {
    return startCommand(
      "nsenter",
      [`--net=${this.#of("net")}`, `--mount=${this.#of("mnt")}`, command, ...args],
      {},
    );
  }

  /** What `ringrift scan` finds in here. */
  async scan(check: string): Promise<CheckReport> {
    const scan = this.start(process.execPath, mainOf("cli"), "scan", "--json");
    await scan.exited;
    const { checks } = JSON.parse(scan.output()) as { checks: CheckReport[] };
    const found = checks.find((one) => one.check === check);
    if (found === undefined) throw new Error(`no check ${check}`);
    return found;
  }

  #of(kind: string): string {
    return `/proc/${this.#holder.pid}/ns/${kind}`;
  }
}

function config(name: string, lines: readonly string[]): string {
  const path = join(directory, name);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

describe("the clock beside a real chronyd", { timeout: 90_000 }, () => {
  // It may not touch this machine's clock (-x).
  const chronyd = (room: Room, file: string): Program =>
    room.start("chronyd", "-x", "-d", "-u", "root", "-f", file);
  const common = ["bindcmdaddress 127.0.0.1", "pidfile /run/chrony/chronyd.pid"];

  it("is kept, wrong, or follows nothing, as chronyd says", async () => {
    const room = new Room();
    await room.ready();
    const first = chronyd(room, config("kept.conf", [...common, "port 0", "local stratum 3"]));
    await waitFor("the clock is kept", async () =>
      (await room.scan("clock")).reason.startsWith("chronyd keeps the clock") ? true : null,
    );
    await first.kill("SIGTERM");

    const lonely = chronyd(room, config("lonely.conf", [...common, "port 0", "server 127.0.0.1 port 9"]));
    const unkept = await waitFor("the clock follows nothing", async () => {
      const report = await room.scan("clock");
      return report.state === "degraded" ? report : null;
    });
    expect(unkept.reason).toBe("chronyd runs and follows no time source");
    await lonely.kill("SIGTERM");

    chronyd(
      room,
      config("source.conf", [
        "port 11123",
        "allow 127.0.0.1",
        "cmdport 0",
        "bindcmdaddress /run/chrony/source.sock",
        "pidfile /run/chrony/source.pid",
        "local stratum 3",
      ]),
    );
    const source = "server 127.0.0.1 port 11123 iburst offset 5 minpoll 0 maxpoll 1";
    chronyd(room, config("wrong.conf", [...common, "port 0", source]));
    const wrong = await waitFor(
      "the clock is wrong",
      async () => {
        const report = await room.scan("clock");
        return report.reason.includes("behind") ? report : null;
      },
      40_000,
    );
    expect(wrong).toMatchObject({
      state: "degraded",
      reason: "chronyd finds the clock 5.00 s behind its source",
    });
  });
});

describe("a host of systemd on which nobody answers", { timeout: 60_000 }, () => {
  it("has a clock of which nothing is known, by the real timedatectl's failure", async () => {
    const room = new Room();
    await room.ready();
    await room.start("mkdir", "-p", "/run/systemd/system").exited;
    expect(await room.scan("clock")).toMatchObject({
      state: "unknown",
      reason: "no known time service runs, and timedatectl does not say whether the clock is kept",
    });
  });
});

describe("a real containerd", { timeout: 90_000 }, () => {
  it("answers, hangs, or is gone, and the check tells which", async () => {
    const room = new Room();
    await room.ready();
    expect((await room.scan("container-runtime")).state).toBe("not_applicable");
    const paths = ["--root", join(directory, "root"), "--state", join(directory, "state")];
    const containerd = room.start("containerd", ...paths);
    await waitFor("containerd answers", async () =>
      (await room.scan("container-runtime")).reason === "containerd answers" ? true : null,
    );
    containerd.process.kill("SIGSTOP");
    expect(await room.scan("container-runtime")).toMatchObject({
      state: "unhealthy",
      reason: "containerd does not answer within 2 s",
    });
    containerd.process.kill("SIGCONT");
    await containerd.kill("SIGKILL");
    expect(await room.scan("container-runtime")).toMatchObject({
      state: "unhealthy",
      reason: "containerd has a socket at which nobody listens",
    });
  });
});

describe("a process in real uninterruptible sleep", { timeout: 60_000 }, () => {
  it("is told by its name and number, and no longer once it is over", async () => {
    const cluster = await startCluster({
      servers: 1,
      agents: 1,
      agentEnv: { RINGRIFT_HEALTH_CHECK_INTERVAL: "1" },
    });
    const pipe = join(directory, "pipe");
    // Who starts a program waits for its child to have begun, in a sleep that no signal ends; the child waits for a writer.
    const stuck = startCommand(
      "python3",
      [
        "-c",
        `import os
os.mkfifo("${pipe}")
os.posix_spawn("/bin/true", ["true"], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 0, "${pipe}", os.O_RDONLY, 0)])`,
      ],
      {},
    );
    const [agent] = cluster.agents;
    const processes = async (): Promise<CheckReport | undefined> => {
      const answer = await fetch(`${agent?.url}/v1/nodes/agent-1`);
      const { node } = (await answer.json()) as { node: { checks: CheckReport[] } };
      return node.checks.find(({ check }) => check === "processes");
    };
    const name = `python3 (${stuck.pid})`;
    const told = await waitFor("the check tells", async () => {
      const report = await processes();
      return report?.reason.includes(name) === true ? report : null;
    });
    expect(told.state).toBe("degraded");
    expect(told.reason).toContain("stuck in uninterruptible sleep");
    writeFileSync(pipe, "");
    await stuck.exited;
    await waitFor("the check is quiet", async () =>
      (await processes())?.reason.includes(name) === false ? true : null,
    );
    await cluster.stop();
  });
});
