import type { PeerIdentity } from "@ringrift/protocol";
import { expect, it } from "vitest";
import type { Link } from "./link.ts";
import { LinkTable } from "./link-table.ts";

const missedTicks = 30;
const voter = "10.0.0.2:8790";

function linkOf(direction: "in" | "out"): Link {
  const peer: Partial<PeerIdentity> = { nodeId: "server-2", role: "server", voter, instance: "1" };
  return { peer, direction, quietTicks: 0 } as unknown as Link;
}

it("uses the older of two links for as long as it is heard, so that frames do not overtake one another", () => {
  const table = new LinkTable(missedTicks);
  const [older, newer] = [linkOf("out"), linkOf("in")];
  table.add(older);
  table.add(newer);
  older.quietTicks = missedTicks - 1;
  expect(table.of(voter)).toEqual([older, newer]);
  older.quietTicks = missedTicks;
  expect(table.of(voter)).toEqual([newer, older]);
  expect([...table.peers("server")]).toEqual([[newer, older]]);
});

it("reaches a peer that is heard on either of its links, and uses the one heard last when it is heard on neither", () => {
  const table = new LinkTable(missedTicks);
  const [older, newer] = [linkOf("out"), linkOf("in")];
  table.add(older);
  table.add(newer);
  older.quietTicks = 500;
  expect(table.reaches(voter)).toBe(true);
  newer.quietTicks = 60;
  expect(table.reaches(voter)).toBe(false);
  expect(table.of(voter)).toEqual([newer, older]);
});
