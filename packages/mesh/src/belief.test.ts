import type { MemberFrame, StatusFrame } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { Belief } from "./belief.ts";

function member(id: string, link: MemberFrame["link"]): MemberFrame {
  return { id, role: "agent", link, lastSeenMs: 0, reason: "", accusers: [], version: "1" };
}

function status(changes: Partial<StatusFrame>): StatusFrame {
  return {
    type: "status",
    leaderId: "server-1",
    leaderVoter: "v1",
    term: 1,
    epoch: "1.1",
    quorum: { configured: true, held: true, have: 3, need: 2, voters: [] },
    members: [],
    full: true,
    ...changes,
  };
}

describe("an agent believes", () => {
  it("one of two servers that say the same, and stays with it", () => {
    const belief = new Belief();
    belief.hear("v1", status({ members: [member("gpu-1", "down")] }), 0);
    belief.hear("v2", status({ members: [member("gpu-1", "suspect")] }), 10);
    expect(belief.word(10)?.voter).toBe("v1");
    expect(belief.members(10).get("gpu-1")?.frame.link).toBe("down");
  });

  it("whoever knows a leader, before whoever only reaches a majority, before the rest", () => {
    const belief = new Belief();
    const alone = { leaderId: null, leaderVoter: null };
    belief.hear("v3", status({ ...alone, quorum: { ...status({}).quorum, held: false, have: 1 } }), 0);
    expect(belief.word(0)?.voter).toBe("v3");
    belief.hear("v2", status(alone), 0);
    expect(belief.word(0)?.voter).toBe("v2");
    belief.hear("v1", status({}), 0);
    expect(belief.word(0)?.voter).toBe("v1");
  });

  it("the higher epoch, and of generations only the newest that it ever heard of", () => {
    const belief = new Belief();
    belief.hear("v1", status({ epoch: "1.9" }), 0);
    belief.hear("v2", status({ epoch: "1.10" }), 0);
    expect(belief.word(0)?.voter).toBe("v2");
    expect(belief.hear("v3", status({ epoch: "2.1" }), 0)).toBe(true);
    expect(belief.word(0)?.voter).toBe("v3");
    expect(belief.hear("v2", status({ epoch: "1.11" }), 0)).toBe(false);
    belief.forget("v3");
    expect(belief.word(0)).toBeNull();
  });

  it("nobody whose word is older than five seconds, and still lists what it was told last", () => {
    const belief = new Belief();
    expect(belief.lastHeardAt).toBeNull();
    belief.hear("v1", status({ members: [member("gpu-1", "alive")] }), 0);
    expect(belief.word(5_000)).not.toBeNull();
    expect(belief.word(5_001)).toBeNull();
    expect([...belief.members(5_001).keys()]).toEqual(["gpu-1"]);
    expect(belief.lastHeardAt).toBe(0);
  });

  it("a change on top of the list of the same server, and a full list instead of it", () => {
    const belief = new Belief();
    belief.hear("v1", status({ members: [member("gpu-1", "alive"), member("gpu-2", "alive")] }), 0);
    belief.hear("v1", status({ members: [member("gpu-2", "down")], full: false }), 1);
    expect([...belief.members(1).values()].map(({ frame }) => frame.link)).toEqual(["alive", "down"]);
    belief.hear("v1", status({ members: [member("gpu-2", "down")] }), 2);
    expect([...belief.members(2).keys()]).toEqual(["gpu-2"]);
  });
});
