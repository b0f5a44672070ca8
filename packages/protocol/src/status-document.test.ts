import { describe, expect, it } from "vitest";
import { type StatusDocument, statusDocumentSchema, statusSchemaName } from "./status-document.ts";

const component = { score: 100, weight: 0.25, known: true, detail: "" };
const document: StatusDocument = {
  schema: statusSchemaName,
  node: { id: "server-1", role: "server", version: "0.1.0", uptimeSeconds: 1 },
  score: null,
  level: "UNKNOWN",
  partial: true,
  reasons: [],
  components: {
    nodeAvailability: { ...component, score: null, known: false },
    circuitHealth: component,
    errorRate: component,
    recovery: component,
  },
  cluster: {
    id: "lab",
    leaderId: null,
    epoch: "0.0",
    elector: "mesh",
    quorum: { held: false, have: 1, need: 2, voters: [{ id: "10.0.0.1:8790", reachable: true }] },
    counts: { alive: 1, suspect: 0, down: 0, left: 0 },
    ageSeconds: null,
  },
  nodes: [],
  daemons: [],
  pipeline: { state: "running", reasons: [], stages: [] },
  alerts: [],
  timestamp: 1,
};

describe("the status document", () => {
  it("says what is not known as null, and passes through JSON unchanged", () => {
    expect(statusDocumentSchema.parse(JSON.parse(JSON.stringify(document)))).toEqual(document);
  });

  it("of another major version is refused, naming the field", () => {
    const result = statusDocumentSchema.safeParse({ ...document, schema: "ringrift.status/2" });
    expect(result.error?.issues[0]?.path).toEqual(["schema"]);
  });

  it("with a level or link that nobody defined is refused", () => {
    expect(statusDocumentSchema.safeParse({ ...document, level: "FINE" }).success).toBe(false);
    const node = { id: "a", role: "agent", link: "gone" };
    expect(statusDocumentSchema.safeParse({ ...document, nodes: [node] }).success).toBe(false);
  });
});
