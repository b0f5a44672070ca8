// core: pure
import type { NodeHealth } from "@ringrift/orchestrator";
import { type GpuList, type GpuRow, type GpuStatus, gpuListSchemaName } from "@ringrift/protocol";

/** Every card of every node, with its last values and its last error. */
export function composeGpus(nodes: readonly NodeHealth[], nowSeconds: number): GpuList {
  const agents = nodes.filter((node) => node.role === "agent" && node.retired === null);
  return {
    schema: gpuListSchemaName,
    gpus: agents.flatMap((node) => (node.cards ?? []).map((card) => gpuRow(node, card, nowSeconds))),
    unknownNodes: agents.filter((node) => node.cards === null).map((node) => node.id),
    timestamp: nowSeconds,
  };
}

function gpuRow(node: NodeHealth, card: GpuStatus, nowSeconds: number): GpuRow {
  const check = node.checks.find(({ check }) => check === "gpu");
  // A lost card has no number, and its values are those of nobody.
  const readings = (check?.readings ?? []).filter(
    ({ labels }) => card.index !== null && labels.gpu === String(card.index) && labels.uuid === card.uuid,
  );
  const value = (name: string): number | null =>
    readings.find((reading) => reading.name === name)?.value ?? null;
  const error = node.gpuErrors.findLast(({ gpu }) => card.busId.toLowerCase().endsWith(gpu));
  const { index, uuid, busId, name, state, reason, utilizationRatio } = card;
  return {
    node: node.id,
    index,
    uuid,
    busId,
    name,
    state,
    reason,
    utilizationRatio,
    memoryUsedBytes: value("gpu_memory_used_bytes"),
    memoryTotalBytes: value("gpu_memory_total_bytes"),
    temperatureCelsius: value("gpu_temperature_celsius"),
    powerWatts: value("gpu_power_watts"),
    ageSeconds: check === undefined ? null : Math.max(0, nowSeconds - check.observedAt),
    lastError: error === undefined ? null : { reason: error.reason, action: error.action, at: error.at },
  };
}
