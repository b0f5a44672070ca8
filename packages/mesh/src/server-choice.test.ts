import { describe, expect, it } from "vitest";
import { agentBackOff, backOffMs } from "./back-off.ts";
import { rankServers, serversToDial } from "./server-choice.ts";

const servers = (count: number): { voter: string; url: string }[] =>
  Array.from({ length: count }, (_, index) => ({
    voter: `10.0.0.${index + 1}:8790`,
    url: `ws://10.0.0.${index + 1}:8790/mesh`,
  }));
const agents = Array.from({ length: 1_000 }, (_, index) => `gpu-${index}`);

describe("an agent", () => {
  it("dials every server where there are at most three", () => {
    for (const count of [1, 2, 3])
      expect(serversToDial(rankServers(servers(count), "gpu-1"), () => 0)).toHaveLength(count);
  });

  it("dials three of five or seven, the same three whatever the order of the list", () => {
    for (const count of [5, 7]) {
      const first = serversToDial(rankServers(servers(count), "gpu-1"), () => 0);
      const second = serversToDial(rankServers(servers(count).reverse(), "gpu-1"), () => 0);
      expect(first).toHaveLength(3);
      expect(second).toEqual(first);
    }
  });

  it("spreads over the servers with its like, each getting within a fifth of its share", () => {
    const load = new Map<string, number>();
    for (const agent of agents)
      for (const { voter } of serversToDial(rankServers(servers(5), agent), () => 0))
        load.set(voter, (load.get(voter) ?? 0) + 1);
    for (const count of load.values()) expect(Math.abs(count - 600)).toBeLessThan(120);
  });

  it("keeps its servers but one when a server is taken off the list", () => {
    for (const agent of agents) {
      const before = serversToDial(rankServers(servers(5), agent), () => 0).map(({ voter }) => voter);
      const after = serversToDial(rankServers(servers(4), agent), () => 0).map(({ voter }) => voter);
      expect(before.filter((voter) => after.includes(voter)).length).toBeGreaterThanOrEqual(2);
    }
  });

  it("dials the next in rank beside one that has not answered for ten seconds, and only that one", () => {
    const ranked = rankServers(servers(5), "gpu-1");
    const failing = (ms: number): number[] =>
      serversToDial(ranked, (server) => (server === ranked[1] ? ms : 0)).map((server) =>
        ranked.indexOf(server),
      );
    expect(failing(9_999)).toEqual([0, 1, 2]);
    expect(failing(10_000)).toEqual([0, 1, 2, 3]);
    expect(serversToDial(ranked, () => 60_000)).toHaveLength(5);
  });

  it("waits anywhere up to half a second before its first redial, and up to 30 seconds after many", () => {
    expect([backOffMs(agentBackOff, 0, 0), backOffMs(agentBackOff, 0, 0.999)]).toEqual([0, 499]);
    expect(backOffMs(agentBackOff, 3, 0.999)).toBe(3_996);
    expect([backOffMs(agentBackOff, 1_000, 0), backOffMs(agentBackOff, 1_000, 0.999)]).toEqual([0, 29_970]);
  });
});
