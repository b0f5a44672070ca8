import { describe, expect, it } from "vitest";
import { nodeScreen } from "./node-screen.ts";

const check = (name: string, state: string, action?: string) => ({
  check: name,
  state,
  reason: `${name} is ${state}`,
  ...(action === undefined ? {} : { action }),
});
const node = {
  id: "gpu-7",
  state: "degraded",
  link: "alive",
  reportAgeSeconds: 2,
  reasons: [],
  cards: [],
  checks: [check("cpu", "healthy"), check("swap", "not_applicable"), check("xid", "degraded", "Restart it.")],
};

describe("the screen of a node", () => {
  it("shows the worst check first and, below, what to do about it", () => {
    const screen = nodeScreen({ node });
    const names = screen.split("\n").flatMap((line) => /^(\w+) +[●▲■○]/.exec(line)?.[1] ?? []);
    expect(names).toEqual(["xid", "cpu", "swap"]);
    expect(screen.endsWith("What to do\n  xid\n    Restart it.")).toBe(true);
  });

  it("says of a retired node why it is, and nothing of what is not known of it", () => {
    const reasons = ["retired by an operator: sent back", "link down: silent"];
    const silent = { id: "gpu-7", state: "retired", link: "down", reportAgeSeconds: null, reasons };
    expect(nodeScreen({ node: { ...silent, cards: null, checks: [] } })).toBe(
      "gpu-7  ○ retired  link ■ down  reported never\nretired by an operator: sent back",
    );
  });

  it("shows the cards, and a card without an index as lost", () => {
    const card = { busId: "0000:1b:00.0", name: "NVIDIA H100 80GB HBM3", reason: "", utilizationRatio: null };
    const cards = [
      { ...card, index: 0, state: "healthy", utilizationRatio: 0.984 },
      { ...card, index: null, state: "unhealthy", reason: "it fell off the bus" },
    ];
    const screen = nodeScreen({ node: { ...node, cards } });
    expect(screen).toMatch(/^0 .*● healthy +98%$/m);
    expect(screen).toMatch(/^lost .*■ unhealthy +\? +it fell off the bus$/m);
  });
});
