// core: pure
import type { SignalState, StatusDocument } from "@ringrift/protocol";

/** The answer of a monitoring plugin: one line with performance data, and an exit code. */
export interface PluginAnswer {
  readonly exitCode: 0 | 1 | 2 | 3;
  readonly line: string;
}

const words = ["OK", "WARNING", "CRITICAL", "UNKNOWN"] as const;

function answer(
  exitCode: PluginAnswer["exitCode"],
  subject: string,
  text: string,
  perfdata: string,
): PluginAnswer {
  return { exitCode, line: `${subject} ${words[exitCode]} - ${text.replaceAll("|", "/")} | ${perfdata}` };
}

/** The cluster: HEALTHY is OK, DEGRADED, a mass failure and a server that is missing a warning, the rest critical; without a score it is unknown. */
export function checkCluster(status: StatusDocument): PluginAnswer {
  const { counts, quorum } = status.cluster;
  const retired = status.nodes.filter((node) => node.retired != null).length;
  const perfdata = `score=${status.score ?? "U"};80:;60:;0;100 alive=${counts.alive} suspect=${counts.suspect} down=${counts.down} retired=${retired} voters=${quorum.have};;${quorum.need}:`;
  const text = `score ${status.score ?? "unknown"}, level ${status.level}, leader ${status.cluster.leaderId ?? "none"}${status.reasons.length > 0 ? `: ${status.reasons.join("; ")}` : ""}`;
  const codes = { HEALTHY: 0, DEGRADED: 1, UNHEALTHY: 2, CRITICAL: 2, UNKNOWN: 3 } as const;
  const code = codes[status.level];
  const isMassFailure = (status.cluster.mesh?.massFailure ?? null) !== null;
  const isServerMissing = quorum.voters.some(({ reachable }) => !reachable);
  const isWarning = code === 0 && (isMassFailure || isServerMissing);
  return answer(isWarning ? 1 : code, "CLUSTER", text, perfdata);
}

/** One node; null when the cluster does not know it. */
export function checkNode(status: StatusDocument, id: string): PluginAnswer | null {
  const node = status.nodes.find((candidate) => candidate.id === id);
  if (node === undefined) return null;
  const codes = {
    healthy: 0,
    degraded: 1,
    unhealthy: 2,
    evicted: 2,
    offline: 2,
    provider_down: 2,
    retired: 0,
    unknown: 3,
  } as const;
  const text = `${node.id} is ${node.state}, link ${node.link}${node.reasons.length > 0 ? `: ${node.reasons.join("; ")}` : ""}`;
  return answer(codes[node.state], "NODE", text, `score=${node.score ?? "U"};;;0;100`);
}

/** Worst first: a known fault outranks a check that could not tell. */
export function scanExitCode(states: readonly SignalState[]): PluginAnswer["exitCode"] {
  if (states.includes("unhealthy")) return 2;
  if (states.includes("degraded")) return 1;
  if (states.includes("unknown") || states.length === 0) return 3;
  return 0;
}
