// core: pure
import type {
  CheckReport,
  CircuitStatus,
  DaemonHealth,
  GpuStatus,
  LinkState,
  NodeReport,
  NodeResources,
  NodeRole,
  StageReport,
} from "@ringrift/protocol";

/** What the mesh says of one member. */
export interface MemberSighting {
  readonly id: string;
  readonly role: NodeRole;
  readonly link: LinkState;
  readonly lastSeenSeconds: number | null;
  readonly reason: string;
  readonly version: string;
}

/** One node: what the mesh says of it and what it said of itself, with the age of both. */
export interface NodeRecord {
  readonly id: string;
  readonly role: NodeRole;
  /** False while the mesh has not listed it; `link` then says nothing. */
  readonly sighted: boolean;
  readonly link: LinkState;
  readonly linkReason: string;
  readonly version: string;
  /** Null when it was never seen. */
  readonly lastSeenSeconds: number | null;
  /** By this process' clock, since a node's own clock may be wrong; null when it never reported. */
  readonly reportAgeSeconds: number | null;
  readonly checks: readonly CheckReport[];
  /** Null is unknown, `[]` a host without any. */
  readonly gpus: readonly GpuStatus[] | null;
  readonly resources: NodeResources | null;
  readonly daemons: readonly DaemonHealth[];
  readonly stages: readonly StageReport[];
  readonly circuits: readonly CircuitStatus[];
  readonly provider: string | null;
}

export interface ReportOutcome {
  readonly accepted: boolean;
  /** Checks that ran since the report before, in the report's order. */
  readonly freshChecks: readonly CheckReport[];
}

export interface ClusterMonitor {
  /** Takes over the mesh's whole list; a node that it no longer lists and that never reported is forgotten. */
  applyMembers(members: readonly MemberSighting[]): void;
  /** Merges a report; one that is older than what is known, or of a node past the bound, is dropped and counted. */
  applyReport(nodeId: string, report: NodeReport, nowSeconds: number): ReportOutcome;
  node(id: string, nowSeconds: number): NodeRecord | null;
  nodes(nowSeconds: number): readonly NodeRecord[];
  readonly dropped: { readonly staleReports: number; readonly nodesPastBound: number };
}

interface Entry {
  sighting: MemberSighting | null;
  report: NodeReport | null;
  receivedAtSeconds: number;
  checks: Map<string, CheckReport>;
}

/** The table of every node known. Pure: the caller brings the time. @param maxNodes bound of the table. */
export function createClusterMonitor({
  maxNodes = 10_000,
}: {
  readonly maxNodes?: number;
} = {}): ClusterMonitor {
  const entries = new Map<string, Entry>();
  const dropped = { staleReports: 0, nodesPastBound: 0 };

  function entryOf(id: string): Entry | null {
    const known = entries.get(id);
    if (known !== undefined) return known;
    if (entries.size >= maxNodes) {
      dropped.nodesPastBound += 1;
      return null;
    }
    const entry: Entry = { sighting: null, report: null, receivedAtSeconds: 0, checks: new Map() };
    entries.set(id, entry);
    return entry;
  }

  function applyReport(nodeId: string, report: NodeReport, nowSeconds: number): ReportOutcome {
    const entry = entryOf(nodeId);
    if (entry === null) return { accepted: false, freshChecks: [] };
    const before = entry.report;
    const sameProcess = before !== null && before.startedAt === report.startedAt;
    const outdated =
      before !== null && (sameProcess ? report.seq <= before.seq : report.startedAt < before.startedAt);
    if (outdated) {
      dropped.staleReports += 1;
      return { accepted: false, freshChecks: [] };
    }
    const freshChecks = report.checks.filter((check) => {
      const seen = entry.checks.get(check.check);
      return seen === undefined || check.observedAt > seen.observedAt;
    });
    if (report.full) entry.checks = new Map();
    for (const check of report.checks) entry.checks.set(check.check, check);
    entry.report = report.full || before === null ? report : { ...before, ...withoutAbsent(report) };
    entry.receivedAtSeconds = nowSeconds;
    return { accepted: true, freshChecks };
  }

  function record(id: string, entry: Entry, nowSeconds: number): NodeRecord {
    const { sighting, report } = entry;
    return {
      id,
      role: sighting?.role ?? "agent",
      sighted: sighting !== null,
      link: sighting?.link ?? "down",
      linkReason: sighting?.reason ?? "the mesh does not list it",
      version: report?.version ?? sighting?.version ?? "",
      lastSeenSeconds: sighting?.lastSeenSeconds ?? null,
      reportAgeSeconds: report === null ? null : Math.max(0, nowSeconds - entry.receivedAtSeconds),
      checks: [...entry.checks.values()],
      gpus: report?.gpus ?? null,
      resources: report?.resources ?? null,
      daemons: report?.daemons ?? [],
      stages: report?.stages ?? [],
      circuits: report?.circuits ?? [],
      provider: report?.provider ?? null,
    };
  }

  return {
    applyMembers: (members) => {
      const listed = new Set(members.map((member) => member.id));
      for (const [id, entry] of entries) {
        if (listed.has(id)) continue;
        entry.sighting = null;
        if (entry.report === null) entries.delete(id);
      }
      for (const member of members) {
        const entry = entryOf(member.id);
        if (entry !== null) entry.sighting = member;
      }
    },
    applyReport,
    node: (id, nowSeconds) => {
      const entry = entries.get(id);
      return entry === undefined ? null : record(id, entry, nowSeconds);
    },
    nodes: (nowSeconds) => [...entries].map(([id, entry]) => record(id, entry, nowSeconds)),
    dropped,
  };
}

function withoutAbsent(report: NodeReport): Partial<NodeReport> {
  return Object.fromEntries(Object.entries(report).filter(([, value]) => value !== undefined));
}
