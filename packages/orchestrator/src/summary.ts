// core: pure
import { type NodeState, nodeStates } from "@ringrift/protocol";
import type { NodeHealth } from "./node-health.ts";

export interface ClusterHealthSummary {
  readonly total: number;
  readonly byState: { readonly [State in NodeState]: number };
  readonly byProvider: Readonly<Record<string, number>>;
  /** GPUs and cores of nodes that said how many they have; `unknownNodes` did not. */
  readonly gpus: { readonly total: number; readonly available: number; readonly unknownNodes: number };
  readonly cpuCores: { readonly total: number; readonly available: number; readonly unknownNodes: number };
  /** 100 * (healthy + degraded) / (total - retired), 0 when there is no such node. */
  readonly availabilityPercent: number;
}

const underutilized = { gpu: 0.2, cpu: 0.3 } as const;
const overloaded = { gpu: 0.95, cpu: 0.9, memory: 0.9 } as const;

/** True when the node may get work: healthy or degraded. */
export function isAvailable(node: NodeHealth): boolean {
  return node.state === "healthy" || node.state === "degraded";
}

/** GPU below 20 % or CPU below 30 %; what is not known is not idle. */
export function isUnderutilized({ resources }: NodeHealth): boolean {
  if (resources === null) return false;
  const { gpuUtilizationRatio: gpu, cpuUtilizationRatio: cpu } = resources;
  return (gpu !== null && gpu < underutilized.gpu) || (cpu !== null && cpu < underutilized.cpu);
}

/** GPU above 95 %, CPU or memory above 90 %: busy, which is not unhealthy. */
export function isOverloaded({ resources }: NodeHealth): boolean {
  if (resources === null) return false;
  const { gpuUtilizationRatio: gpu, cpuUtilizationRatio: cpu, memoryUsedRatio: memory } = resources;
  return (
    (gpu !== null && gpu > overloaded.gpu) ||
    (cpu !== null && cpu > overloaded.cpu) ||
    (memory !== null && memory > overloaded.memory)
  );
}

/** Sums up agents; servers are voters, not capacity. Retired nodes are shown and not counted in availability or capacity. */
export function summarize(nodes: readonly NodeHealth[]): ClusterHealthSummary {
  const agents = nodes.filter((node) => node.role === "agent");
  const byState = Object.fromEntries(nodeStates.map((state) => [state, 0])) as {
    [State in NodeState]: number;
  };
  const byProvider = new Map<string, number>();
  const gpus = { total: 0, available: 0, unknownNodes: 0 };
  const cpuCores = { total: 0, available: 0, unknownNodes: 0 };
  for (const node of agents) {
    byState[node.state] += 1;
    if (node.state === "retired") continue;
    if (node.provider !== null) byProvider.set(node.provider, (byProvider.get(node.provider) ?? 0) + 1);
    if (node.gpus === null) gpus.unknownNodes += 1;
    else {
      gpus.total += node.gpus.total;
      if (isAvailable(node)) gpus.available += node.gpus.healthy;
    }
    const cores = node.resources?.cpuCores ?? null;
    if (cores === null) cpuCores.unknownNodes += 1;
    else {
      cpuCores.total += cores;
      if (isAvailable(node)) cpuCores.available += cores;
    }
  }
  const counted = Math.max(agents.length - byState.retired, 1);
  const availabilityPercent = (100 * (byState.healthy + byState.degraded)) / counted;
  return {
    total: agents.length,
    byState,
    byProvider: Object.fromEntries(byProvider),
    gpus,
    cpuCores,
    availabilityPercent,
  };
}
