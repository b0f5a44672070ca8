import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { neverAgreed } from "./agreed.ts";
import type { Epoch } from "./core/epoch.ts";
import type { Elector } from "./elector.ts";
import { eventually, LocalCluster } from "./testing/local-cluster.ts";

let cluster: LocalCluster;
beforeEach(async () => {
  cluster = new LocalCluster();
  await cluster.reserve(3);
});
afterEach(() => cluster.close());

/** An outer back end that names one leader, as etcd would. */
function outerElector(
  leader: string,
  epoch: Epoch,
  leads: () => boolean,
): Elector & { readonly heard: Epoch[] } {
  const heard: Epoch[] = [];
  return {
    kind: "etcd",
    heard,
    start: async () => undefined,
    view: () => ({
      leader,
      epoch,
      quorum: { configured: true, held: true, have: 1, need: 1 },
      leaseAgeMs: null,
      detail: "outer",
    }),
    leaseHeld: leads,
    agreed: () => neverAgreed,
    agree: async () => neverAgreed,
    hearEpoch: (told) => void heard.push(told),
    resign: async () => undefined,
    stop: async () => undefined,
  };
}

describe("a server whose leader another back end chooses", { timeout: 30_000 }, () => {
  it("tells what that back end says, asks it at the moment of the act, and never lets a frame make a leader", async () => {
    let leads = true;
    // A generation below that of the mesh, so that the third server goes on voting.
    const epoch = { generation: 0, term: 40 };
    const elector = outerElector("v1", epoch, () => leads);
    const first = await cluster.server(1, { elector });
    const second = await cluster.server(2, { elector: outerElector("v1", epoch, () => false) });
    // It still votes over the mesh, and a majority of the three is up.
    const third = await cluster.server(3);
    expect(first.mesh.status()).toMatchObject({
      leaderId: "server-1",
      isLeader: true,
      term: 40,
      epoch: "0.40",
      elector: { kind: "etcd", detail: "outer" },
    });
    await eventually(
      "the votes asked for were dropped",
      () => (first.mesh.status().dropped.unwanted_election ?? 0) > 0,
    );
    await eventually("the follower names it", () => second.mesh.status().leaderId === "server-1");
    expect(first.mesh.status().epoch).toBe("0.40");
    expect(third.mesh.status()).toMatchObject({ leaderId: null, quorum: { held: true, have: 3 } });
    expect(() => first.mesh.assertLeader()).not.toThrow();
    leads = false;
    expect(() => first.mesh.assertLeader()).toThrow(expect.objectContaining({ code: "NOT_LEADER" }));
  });

  it("ends the leadership of a server that still votes over the mesh, and agents follow the newer generation", async () => {
    const old = await cluster.server(1);
    const other = await cluster.server(2);
    const agent = await cluster.agent(1);
    await eventually("the mesh has a leader", () => agent.mesh.status().leaderId !== null);
    expect(agent.mesh.status().epoch).toMatch(/^1\./);
    const elector = outerElector("v3", { generation: 2, term: 1 }, () => true);
    const moved = await cluster.server(3, { elector });
    for (const server of [old, other]) {
      await eventually("it has heard of the other elector", () =>
        (server.mesh.status().elector?.detail ?? "").includes("moved on to the elector etcd"),
      );
      expect(server.mesh.status().leaderId).toBeNull();
      expect(() => server.mesh.assertLeader()).toThrow(expect.objectContaining({ code: "NOT_LEADER" }));
    }
    await eventually("the agent follows", () => agent.mesh.status().epoch === "2.1");
    expect(agent.mesh.status()).toMatchObject({ leaderId: "server-3", quorum: { held: true } });
    // What the old servers say is not believed again.
    await eventually("it is dropped", () => (agent.mesh.status().dropped.old_generation ?? 0) > 0);
    expect(agent.mesh.status().leaderId).toBe("server-3");
    expect(moved.mesh.status().isLeader).toBe(true);
    await eventually("the old epoch was told of", () =>
      elector.heard.some(({ generation }) => generation === 1),
    );
  });
});
