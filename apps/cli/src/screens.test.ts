import type { StatusNode } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { nodesTable } from "./screens.ts";

const node = (id: string, fields: Partial<StatusNode> = {}): StatusNode => ({
  id,
  role: "agent",
  link: "alive",
  state: "healthy",
  status: "healthy",
  score: 100,
  lastSeenSeconds: 0,
  reportAgeSeconds: 1,
  gpus: null,
  reasons: [],
  gpuErrors: [],
  ...fields,
});
const retired = { reason: "sent back", at: 1_800_000_000 };
const gone = node("gpu-2", {
  link: "down",
  state: "retired",
  status: "unknown",
  lastSeenSeconds: null,
  retired,
});

describe("the table of nodes", () => {
  it("lists retired nodes apart: since when, how they are, and why", () => {
    const [inUse = "", apart = ""] = nodesTable([node("gpu-1"), gone]).split("\n\n");
    expect(inUse).toMatch(/^NODE .*\ngpu-1 [^\n]*$/);
    expect(apart).toMatch(/^RETIRED .*\ngpu-2 +2027-01-15 08:00 UTC +down +never +sent back$/);
  });

  it("says nothing of retired nodes where there are none, and the other way round", () => {
    expect(nodesTable([node("gpu-1")])).not.toContain("RETIRED");
    expect(nodesTable([gone])).toMatch(/^Every node that is known is retired\.\n\nRETIRED/);
  });
});
