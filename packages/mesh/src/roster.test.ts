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
