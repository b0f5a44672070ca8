import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { agreedLeader, compareEpochs } from "../src/agreement.ts";
import type { Cluster, Member } from "../src/cluster.ts";
import type { Observers } from "../src/observers.ts";
import { waitFor } from "../src/program.ts";
import { startWatchedCluster } from "../src/watched-cluster.ts";

let cluster: Cluster;
let all: readonly Member[];
let observers: Observers;
const small = mkdtempSync(join(tmpdir(), "ringrift-small-disk-"));
beforeAll(async () => {
  // A file system of its own, since root may write wherever a mode forbids it.
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", small]);
  ({ cluster, all, observers } = await startWatchedCluster({ servers: 3, agents: 1 }));
}, 60_000);
afterAll(async () => {
  await cluster?.stop();
  execFileSync("umount", [small]);
  rmSync(small, { recursive: true });
});
afterEach(() => {
  expect(observers.termsWithTwoLeaders()).toEqual([]);
});

interface Roles {
  readonly leader: Member;
  readonly follower: Member;
  readonly other: Member;
  readonly epoch: string;
}

async function roles(): Promise<Roles> {
  const { id, epoch } = await agreedLeader(all, cluster.servers);
  await observers.everyoneAlive();
  const leader = cluster.servers.find((server) => server.id === id);
  const [follower, other] = cluster.servers.filter((server) => server !== leader);
  if (leader === undefined || follower === undefined || other === undefined) throw new Error("no server");
  return { leader, follower, other, epoch };
}

function start(server: Member, changes: Readonly<Record<string, string>> = {}): void {
  server.start(changes);
  observers.listen(server);
}

/** Starts a server that must give up at once. Returns what it printed. */
async function refuses(server: Member, changes: Readonly<Record<string, string>> = {}): Promise<string> {
  start(server, changes);
  expect(await server.program.exited).not.toBe(0);
  return server.program.output();
}

/** Where a server keeps what its vote rests on. */
function fileOf(server: Member, name: string): string {
  return join(server.dataDir, "health-server", server.id, name);
}

function voteFileOf(server: Member): string {
  return fileOf(server, `vote-${encodeURIComponent(new URL(server.url).host)}.json`);
}

// The steps build on one another.
describe("the data directory of one of three servers", { timeout: 90_000 }, () => {
  it.each(["vote", "generation"] as const)(
    "with a torn %s file stops the start with what to do, and the others keep leader and epoch",
    async (which) => {
      const { leader, follower, other, epoch } = await roles();
      expect(await follower.program.kill("SIGTERM")).toBe(0);
      const path = which === "vote" ? voteFileOf(follower) : fileOf(follower, "generation.json");
      const whole = readFileSync(path);
      writeFileSync(path, whole.subarray(0, whole.length / 2));
      const said = await refuses(follower);
      expect(said).toContain(path);
      expect(said).toContain("Restore it");
      expect(await agreedLeader([leader, other, ...cluster.agents], [leader])).toEqual({
        id: leader.id,
        epoch,
      });
      writeFileSync(path, whole);
      start(follower);
      expect(await agreedLeader(all, cluster.servers)).toEqual({ id: leader.id, epoch });
    },
  );

  it("that was wiped starts no election when its server is back", async () => {
    const { leader, follower, epoch } = await roles();
    expect(await follower.program.kill("SIGKILL")).toBe("SIGKILL");
    rmSync(follower.dataDir, { recursive: true });
    start(follower);
    expect(await agreedLeader(all, cluster.servers)).toEqual({ id: leader.id, epoch });
    await waitFor("it to keep a vote again", async () =>
      follower.program.output().includes("votes from now on") ? true : null,
    );
  });

  it("that was wiped gives no vote while a server is away that may know of an earlier one", async () => {
    const { leader, follower, other, epoch } = await roles();
    expect(await other.program.kill("SIGTERM")).toBe(0);
    expect(await follower.program.kill("SIGKILL")).toBe("SIGKILL");
    rmSync(follower.dataDir, { recursive: true });
    start(follower);
    await waitFor("it to say why it does not vote", async () => {
      const ready = await fetch(`${follower.url}/ready`);
      return (await ready.text()).includes("has no vote on disk") ? true : null;
    });
    // The leader hears no majority of voters and steps down; several elections could follow in this time.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await waitFor("nobody to lead", async () => {
      const seen = await Promise.all([leader, follower, ...cluster.agents].map((member) => member.status()));
      return seen.every(({ cluster: { leaderId } }) => leaderId === null) ? true : null;
    });
    start(other);
    const after = await agreedLeader(all, cluster.servers);
    expect(compareEpochs(after.epoch, epoch)).toBeGreaterThan(0);
  });

  it("that is read-only stops the start with what to do", async () => {
    const { leader, follower, epoch } = await roles();
    expect(await follower.program.kill("SIGTERM")).toBe(0);
    execFileSync("mount", ["-o", "remount,ro", small]);
    const said = await refuses(follower, { RINGRIFT_DATA_DIR: small });
    execFileSync("mount", ["-o", "remount,rw", small]);
    expect(said).toContain(small);
    expect(said).toContain("Make the data directory writable");
    start(follower);
    expect(await agreedLeader(all, cluster.servers)).toEqual({ id: leader.id, epoch });
  });

  it("whose disk is full keeps its server from voting, not from running; it says so, and the others choose a leader", async () => {
    const { leader, follower, other, epoch } = await roles();
    const ballast = join(small, "ballast");
    expect(() => writeFileSync(ballast, Buffer.alloc(1024 * 1024))).toThrow("ENOSPC");
    expect(await leader.program.kill("SIGTERM")).toBe(0);
    await waitFor("the full server to say that it cannot vote", async () => {
      const ready = await fetch(`${follower.url}/ready`);
      return ready.status === 503 && (await ready.text()).includes("cannot keep its vote on disk")
        ? true
        : null;
    });
    expect(follower.program.output()).toContain("Make room on the disk of the data directory");
    expect((await fetch(`${follower.url}/health`)).status).toBe(200);
    start(leader);
    // Two of three can vote, and the full one is none of them.
    const able = [leader, other, ...cluster.agents];
    const after = await agreedLeader(able, [leader, other]);
    expect(compareEpochs(after.epoch, epoch)).toBeGreaterThan(0);
    expect((await follower.status()).cluster.leaderId).not.toBe(follower.id);
    rmSync(ballast);
    await follower.program.kill("SIGTERM");
    start(follower);
    await agreedLeader(all, cluster.servers);
  });
});
