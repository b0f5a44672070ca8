import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agreedLeader, compareEpochs } from "../src/agreement.ts";
import type { Cluster, Member } from "../src/cluster.ts";
import type { Observers } from "../src/observers.ts";
import { startWatchedCluster } from "../src/watched-cluster.ts";

let cluster: Cluster;
let all: readonly Member[];
let observers: Observers;
beforeAll(async () => {
  ({ cluster, all, observers } = await startWatchedCluster({ servers: 5, agents: 1 }));
}, 60_000);
afterAll(async () => {
  await cluster?.stop();
});

describe("five servers that are restarted one after the other", { timeout: 120_000 }, () => {
  it("change their leader only with the leader's own restart, once, and nobody is ever down", async () => {
    let before = await agreedLeader(all, cluster.servers);
    for (const server of cluster.servers) {
      expect(await server.program.kill("SIGTERM")).toBe(0);
      server.start();
      observers.listen(server);
      const after = await agreedLeader(all, cluster.servers);
      await observers.everyoneAlive();
      if (server.id === before.id) {
        expect(compareEpochs(after.epoch, before.epoch), `${before.epoch} then ${after.epoch}`).toBe(1);
        expect(after.id).not.toBe(before.id);
      } else expect(after).toEqual(before);
      before = after;
    }
    expect(observers.termsWithTwoLeaders()).toEqual([]);
    expect(observers.takeDowns()).toEqual([]);
  });
});
