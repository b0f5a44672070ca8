import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agreedLeader } from "../src/agreement.ts";
import type { Cluster, Member } from "../src/cluster.ts";
import type { Observers } from "../src/observers.ts";
import { waitFor } from "../src/program.ts";
import { startWatchedCluster } from "../src/watched-cluster.ts";

/** Where Debian's package puts it, on either kind of machine. */
const library = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`)
  .find(existsSync);
const directory = mkdtempSync(join(tmpdir(), "ringrift-clocks-"));
const clockFile = (id: string): string => join(directory, id);
const setClock = (id: string, offsetSeconds: number): void =>
  writeFileSync(clockFile(id), `${offsetSeconds < 0 ? "" : "+"}${offsetSeconds}\n`);

let cluster: Cluster;
let all: readonly Member[];
let observers: Observers;

beforeAll(async () => {
  if (library === undefined) throw new Error("libfaketime is missing: apt-get install libfaketime");
  ({ cluster, all, observers } = await startWatchedCluster({
    servers: 3,
    agents: 2,
    agentEnv: { RINGRIFT_HEALTH_CHECK_INTERVAL: "2" },
    ownEnv: (id) => {
      setClock(id, 0);
      return {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: clockFile(id),
        FAKETIME_CACHE_DURATION: "1",
        // As when somebody sets the clock: the wall jumps, what counts from the boot does not.
        DONT_FAKE_MONOTONIC: "1",
      };
    },
  }));
}, 60_000);
afterAll(async () => {
  await cluster?.stop();
  rmSync(directory, { recursive: true });
});

/** What the clock of a member's host says, seconds since 1970; what the member itself goes by does not jump. */
async function clockOf({ url }: Member): Promise<number> {
  const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) });
  return Date.parse(answer.headers.get("date") ?? "") / 1000;
}

describe("clocks that jump", { timeout: 60_000 }, () => {
  it("by an hour, forth and back, on a leader, a follower and an agent change no leader, and nobody is down or old", async () => {
    const before = await agreedLeader(all, cluster.servers);
    const leader = cluster.servers.find(({ id }) => id === before.id);
    const follower = cluster.servers.find(({ id }) => id !== before.id);
    const [agent] = cluster.agents;
    if (leader === undefined || follower === undefined || agent === undefined) throw new Error("no member");
    observers.takeDowns();
    const jumps = [
      [leader, 3600],
      [follower, -3600],
      [agent, 3600],
    ] as const;
    for (const [{ id }, seconds] of jumps) setClock(id, seconds);
    for (const [member, seconds] of jumps)
      await waitFor(`${member.id} to have jumped`, async () =>
        Math.abs((await clockOf(member)) - Date.now() / 1000 - seconds) < 60 ? true : null,
      );
    // Longer than a lease, an election and a silence that calls somebody down.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    for (const server of cluster.servers)
      for (const node of (await server.status()).nodes) {
        expect(node, server.id).toMatchObject({ link: "alive" });
        expect(node.lastSeenSeconds, server.id).toBeLessThan(5);
        if (node.role === "agent") expect(node.reportAgeSeconds, server.id).toBeLessThan(10);
      }
    for (const [{ id }] of jumps) setClock(id, 0);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await agreedLeader(all, cluster.servers)).toEqual(before);
    expect(observers.takeDowns()).toEqual([]);
  });
});
