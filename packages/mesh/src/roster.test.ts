import type { VerdictMemberFrame } from "@ringrift/protocol";
import { expect, it } from "vitest";
import { Roster } from "./roster.ts";

it("a server that was only heard of is called by its node id from the first word on", () => {
  const roster = new Roster("v1", ["v1", "v2", "v3"], 1_000, 0);
  roster.hearObservations(
    "v2",
    [
      {
        member: "v3",
        role: "server",
        incarnation: { boot: 1, counter: 0 },
        homes: ["v1", "v2"],
        state: "alive",
        reason: "heard",
        heardMsAgo: 5,
        closedMsAgo: null,
        programVersion: "1.2.3",
        nodeId: "server-3",
      },
    ],
    10,
  );
  const told = roster.takeChangedVerdicts().map((member) => roster.view(member, 10));
  expect(told).toMatchObject([{ id: "server-3", link: "alive", version: "1.2.3" }]);
});

it("the word of a new generation's leader counts though its term is lower, and that of the old one no more", () => {
  const roster = new Roster("v1", ["v1", "v2", "v3"], 1_000, 0);
  const agent = (state: VerdictMemberFrame["state"]): VerdictMemberFrame => ({
    member: "gpu-1",
    role: "agent",
    incarnation: { boot: 1, counter: 0 },
    state,
    reason: "heard",
    accusers: [],
  });
  const states = (): unknown[] => roster.takeChangedVerdicts().map(({ state }) => state);
  roster.stand("follower", { generation: 2, term: 900 }, 10);
  roster.adopt({ generation: 2, term: 900 }, [agent("alive")], 11);
  expect(states()).toEqual(["alive"]);
  roster.stand("follower", { generation: 5, term: 3 }, 12);
  roster.adopt({ generation: 5, term: 3 }, [agent("down")], 13);
  expect(states()).toEqual(["down"]);
  roster.adopt({ generation: 2, term: 901 }, [agent("alive")], 14);
  expect(states()).toEqual([]);
});

it("names of those who are no members are forgotten, so that hosts under ever new names do not add up", () => {
  const roster = new Roster("v1", ["v1"], 1_000, 0);
  const introduce = (key: string, nodeId: string): void =>
    roster.introduce({ voter: key, nodeId, programVersion: "1" });
  introduce("v1", "server-1");
  introduce("member", "known");
  roster.observe({ type: "hello", member: "member", role: "agent", incarnation: { boot: 1, counter: 0 } }, 1);
  for (let index = 0; index < 1_000; index += 1) introduce(`passing-${index}`, `node-${index}`);
  roster.tickVerdict(2);
  expect(roster.nodeIdOf("passing-0")).toBe("passing-0");
  expect([roster.nodeIdOf("member"), roster.nodeIdOf("v1")]).toEqual(["known", "server-1"]);
});
