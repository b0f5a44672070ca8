import type { NodeHealth } from "@ringrift/orchestrator";
import { type CheckReport, gpuListSchema, type Reading } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { composeGpus } from "./gpus.ts";

const card = {
  index: 0,
  uuid: "GPU-1",
  busId: "00000000:3B:00.0",
  name: "H100",
  state: "healthy",
  reason: "",
  utilizationRatio: 0.5,
} as const;

const reading = (name: string, value: number | null, uuid = "GPU-1"): Reading => ({
  name,
  labels: { gpu: "0", uuid },
  source: "nvidia-smi",
  observedAt: 90,
  value,
  ...(value === null ? { absence: "unknown" as const } : {}),
});
const check = (readings: readonly Reading[]): CheckReport => ({
  check: "gpu",
  state: "healthy",
  reason: "",
  details: {},
  readings,
  observedAt: 90,
  durationSeconds: 0,
});

function node(fields: Partial<NodeHealth>): NodeHealth {
  return {
    id: "gpu-1",
    role: "agent",
    link: "alive",
    state: "healthy",
    status: "healthy",
    score: 100,
    reasons: [],
    gpus: null,
    cards: null,
    lastSeenSeconds: 0,
    reportAgeSeconds: 0,
    checks: [],
    daemons: [],
    stages: [],
    circuits: [],
    gpuErrors: [],
    resources: null,
    provider: null,
    endpoint: null,
    retired: null,
    version: "1",
    ...fields,
  };
}

describe("the list of GPUs", () => {
  it("joins a card with its values, their age and the last error of its bus", () => {
    const error = (at: number, gpu = "0000:3b:00.0") => ({
      id: `boot/${at}`,
      gpu,
      xid: 79,
      sxid: null,
      severity: "critical" as const,
      reason: `error at ${at}`,
      action: "reboot",
      bootId: "boot",
      at,
      foundAt: at,
      toldBefore: false,
    });
    const list = composeGpus(
      [
        node({
          cards: [card],
          checks: [check([reading("gpu_temperature_celsius", 41), reading("gpu_power_watts", null)])],
          gpuErrors: [error(50), error(60), error(70, "0000:af:00.0")],
        }),
      ],
      100,
    );
    expect(gpuListSchema.parse(list)).toEqual(list);
    expect(list.gpus).toMatchObject([
      {
        node: "gpu-1",
        temperatureCelsius: 41,
        powerWatts: null,
        memoryUsedBytes: null,
        ageSeconds: 10,
        lastError: { reason: "error at 60", at: 60 },
      },
    ]);
  });

  it("gives a lost card no values of another one that took its number", () => {
    const lost = { ...card, index: null, state: "unhealthy" as const };
    const readings = [reading("gpu_temperature_celsius", 41, "GPU-2")];
    const other = { ...card, uuid: "GPU-2", busId: "00000000:AF:00.0" };
    const { gpus } = composeGpus([node({ cards: [lost, other], checks: [check(readings)] })], 100);
    expect(gpus.map(({ temperatureCelsius }) => temperatureCelsius)).toEqual([null, 41]);
  });

  it("names nodes whose GPUs are not known, and neither servers nor nodes without any", () => {
    const nodes = [
      node({ id: "unknown", cards: null }),
      node({ id: "none", cards: [] }),
      node({ id: "server", role: "server" }),
    ];
    expect(composeGpus(nodes, 0)).toMatchObject({ gpus: [], unknownNodes: ["unknown"] });
  });
});
