import type { StatusDocument } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { checkCluster, checkNode, scanExitCode } from "./plugin-check.ts";

const status = (level: StatusDocument["level"], score: number | null): StatusDocument =>
  ({
    level,
    score,
    reasons: ["quorum lost | really"],
    cluster: {
      leaderId: null,
      counts: { alive: 1, suspect: 0, down: 2, left: 0 },
      quorum: { have: 1, need: 2, held: false, voters: [] },
    },
    nodes: [{ id: "gpu-1", state: "offline", link: "down", score: null, reasons: [] }],
  }) as unknown as StatusDocument;

describe("the monitoring plugin convention", () => {
  it.each([
    ["HEALTHY", 95, 0],
    ["DEGRADED", 70, 1],
    ["UNHEALTHY", 50, 2],
    ["CRITICAL", 10, 2],
    ["UNKNOWN", null, 3],
  ] as const)("maps level %s to exit code", (level, score, exitCode) => {
    expect(checkCluster(status(level, score)).exitCode).toBe(exitCode);
  });

  it("warns of a mass failure that costs no points yet, and hides nothing worse behind it", () => {
    const massFailure = { ageSeconds: 3, suspects: 4, agents: 12 };
    const held = (document: StatusDocument): StatusDocument =>
      ({ ...document, cluster: { ...document.cluster, mesh: { massFailure } } }) as StatusDocument;
    expect(checkCluster(held(status("HEALTHY", 95))).exitCode).toBe(1);
    expect(checkCluster(held(status("CRITICAL", 10))).exitCode).toBe(2);
  });

  it("warns of a server that is missing from a quorum that is held", () => {
    const document = status("HEALTHY", 95);
    const voters = [true, true, false].map((reachable, index) => ({ id: `v${index + 1}`, reachable }));
    const quorum = { have: 2, need: 2, held: true, voters };
    const missing = { ...document, cluster: { ...document.cluster, quorum } } as StatusDocument;
    expect(checkCluster(missing).exitCode).toBe(1);
  });

  it("writes one line whose text holds no second separator, and U for an unknown score", () => {
    const { line } = checkCluster(status("UNKNOWN", null));
    expect(line.split("|")).toHaveLength(2);
    expect(line).toContain("score=U;");
    expect(line).not.toContain("\n");
  });

  it("counts retired nodes apart, and calls one of them OK", () => {
    const document = status("HEALTHY", 100);
    const retired = { reason: "sent back", at: 1 };
    const nodes = document.nodes.map((node) => ({ ...node, state: "retired" as const, retired }));
    expect(checkCluster({ ...document, nodes }).line).toContain(" retired=1 ");
    expect(checkNode({ ...document, nodes }, "gpu-1")).toMatchObject({ exitCode: 0 });
  });

  it("calls an offline node critical and an unheard-of one nothing", () => {
    expect(checkNode(status("HEALTHY", 90), "gpu-1")?.exitCode).toBe(2);
    expect(checkNode(status("HEALTHY", 90), "gpu-9")).toBeNull();
  });

  it("never reads a scan without any check, or with one that could not tell, as OK", () => {
    expect(scanExitCode([])).toBe(3);
    expect(scanExitCode(["healthy", "unknown"])).toBe(3);
    expect(scanExitCode(["unknown", "degraded"])).toBe(1);
    expect(scanExitCode(["degraded", "unhealthy"])).toBe(2);
    expect(scanExitCode(["healthy", "not_applicable"])).toBe(0);
  });
});
