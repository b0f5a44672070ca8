import type { NodeReport } from "@ringrift/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { emptyReport, eventually, LocalCluster, type LocalNode } from "./testing/local-cluster.ts";

let cluster: LocalCluster;
beforeEach(() => {
  cluster = new LocalCluster();
});
afterEach(() => cluster.close());

const reportsOf = ({ events }: LocalNode, nodeId: string): NodeReport[] =>
  events.flatMap((event) => (event.type === "report" && event.nodeId === nodeId ? [event.report] : []));

describe("a server that has something to say of itself", { timeout: 30_000 }, () => {
  it.each(["server-1", "v1"])(
    "says all of it to each server that connects, and the rest as it comes, but nothing to agents: %s",
    async (nodeId) => {
      await cluster.reserve(2);
      const teller = await cluster.server(1, { nodeId, fullReport: () => emptyReport(1, true) });
      const agent = await cluster.agent(1);
      const other = await cluster.server(2);
      await eventually("the other has the whole report", () =>
        reportsOf(other, nodeId).some(({ full }) => full),
      );
      teller.mesh.sendReport(emptyReport(2, false));
      await eventually("the other has the news", () =>
        reportsOf(other, nodeId).some(({ full, seq }) => !full && seq === 2),
      );
      expect(reportsOf(agent, nodeId)).toEqual([]);
      expect(reportsOf(teller, nodeId)).toEqual([]);
    },
  );
});
