// core: pure
import {
  type CheckReport,
  type CircuitStatus,
  type DaemonHealth,
  type GpuError,
  type GpuStatus,
  HealthThresholds,
  type LinkState,
  type NodeEndpoint,
  type NodeReport,
  type NodeResources,
  type NodeRole,
  type StageReport,
} from "@ringrift/protocol";
import { SharedReports, shared } from "./shared-reports.ts";

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
  /** Of the kernel log, oldest first; null while this start of the node has not told of any or none. */
  readonly gpuErrors: readonly GpuError[] | null;
  /** Checks that have not ended a run since the node started. */
  readonly pendingChecks: readonly string[];
  /** What the operator says the host should have; null without a word. */
  readonly expectedGpus: number | null;
  readonly provider: string | null;
  /** Where its own pages are asked for; null when it did not say. */
  readonly endpoint: NodeEndpoint | null;
}

export interface ReportOutcome {
  readonly accepted: boolean;
  /** Checks that ran since the report before, in the report's order. */
  readonly freshChecks: readonly CheckReport[];
}

export interface ClusterMonitor {
  /** Takes over the mesh's whole list; a node that it no longer lists and that never reported is forgotten. */
  applyMembers(members: readonly MemberSighting[]): void;
  /** Takes over one member's change, between two whole lists. */
  applyMember(member: MemberSighting): void;
  /** Merges a report; one that is older than what is known, or of a node past the bound, is dropped and counted. */
  applyReport(nodeId: string, report: NodeReport, nowSeconds: number): ReportOutcome;
  has(id: string): boolean;
  node(id: string, nowSeconds: number): NodeRecord | null;
  nodes(nowSeconds: number): readonly NodeRecord[];
  /** Forgets all that is known of a node, until it is seen again. @returns false when it was not known. */
  forget(id: string): boolean;
  readonly dropped: DroppedCounts;
}

/** What was left out, and how often. */
export interface DroppedCounts {
  readonly staleReports: number;
  readonly nodesPastBound: number;
  /** Nodes that the mesh no longer lists, forgotten to make room for new ones. */
  readonly nodesReplaced: number;
  readonly checksPastBound: number;
}

/** As many as one report may hold. */
const maxChecksPerNode = 200;

type Sections = Omit<NodeReport, "checks">;

interface Entry {
  sighting: MemberSighting | null;
  report: Sections | null;
  receivedAtSeconds: number;
  checks: Map<string, CheckReport>;
}

/**
 * The table of every node known. Pure: the caller brings the time.
 *
 * @param maxNodes Bound of the table.
 * @param reportStaleSeconds Age from which a report no longer speaks against one of an earlier start.
 */
export function createClusterMonitor({
  maxNodes = 10_000,
  reportStaleSeconds = HealthThresholds.REPORT_STALE_SECONDS,
}: {
  readonly maxNodes?: number;
  readonly reportStaleSeconds?: number;
} = {}): ClusterMonitor {
  const entries = new Map<string, Entry>();
  const pool = new SharedReports();
  const dropped = { staleReports: 0, nodesPastBound: 0, nodesReplaced: 0, checksPastBound: 0 };

  function entryOf(id: string): Entry | null {
    const known = entries.get(id);
    if (known !== undefined) return known;
    if (entries.size >= maxNodes && !makeRoom()) {
      dropped.nodesPastBound += 1;
      return null;
    }
    const entry = emptyEntry();
    entries.set(id, entry);
    return entry;
  }

  /** Rented hosts come and go under new names: the one that has been silent longest, and is not listed, gives way. */
  function makeRoom(): boolean {
    let silent: string | null = null;
    let silentSince = Number.POSITIVE_INFINITY;
    for (const [id, entry] of entries) {
      if (entry.sighting !== null || entry.receivedAtSeconds >= silentSince) continue;
      silent = id;
      silentSince = entry.receivedAtSeconds;
    }
    if (silent === null) return false;
    dropped.nodesReplaced += 1;
    return entries.delete(silent);
  }

  /** True when the report was overtaken by the one before it. */
  function isOutdated(entry: Entry, report: NodeReport, nowSeconds: number): boolean {
    if (entry.report === null) return false;
    if (entry.report.startedAt === report.startedAt) return report.seq <= entry.report.seq;
    // A host that started with its clock ahead, once set right, starts "earlier" for ever after.
    const silentSeconds = nowSeconds - entry.receivedAtSeconds;
    return report.startedAt < entry.report.startedAt && silentSeconds <= reportStaleSeconds;
  }

  function applyReport(nodeId: string, report: NodeReport, nowSeconds: number): ReportOutcome {
    const entry = entryOf(nodeId);
    if (entry === null) return { accepted: false, freshChecks: [] };
    if (isOutdated(entry, report, nowSeconds)) {
      dropped.staleReports += 1;
      return { accepted: false, freshChecks: [] };
    }
    // A delta adds to what this start of the node has said, never to what an earlier one did.
    const before = report.full || entry.report?.startedAt !== report.startedAt ? null : entry.report;
    const seen = entry.checks;
    if (before === null) entry.checks = new Map();
    const freshChecks: CheckReport[] = [];
    for (const told of report.checks) {
      if (!entry.checks.has(told.check) && entry.checks.size >= maxChecksPerNode) {
        dropped.checksPastBound += 1;
        continue;
      }
      const last = seen.get(told.check);
      const check = pool.check(last, told);
      entry.checks.set(check.check, check);
      // Not "later than": a clock that is set back would hide the next run.
      if (check.observedAt !== last?.observedAt) freshChecks.push(check);
    }
    entry.report = sections(before, report);
    entry.receivedAtSeconds = nowSeconds;
    return { accepted: true, freshChecks };
  }

  function applyMember(member: MemberSighting): void {
    const entry = entryOf(member.id);
    if (entry !== null) entry.sighting = member;
  }

  return {
    applyMember,
    applyMembers: (members) => {
      const listed = new Set(members.map((member) => member.id));
      for (const [id, entry] of entries) {
        if (listed.has(id)) continue;
        entry.sighting = null;
        if (entry.report === null) entries.delete(id);
      }
      for (const member of members) applyMember(member);
    },
    applyReport,
    has: (id) => entries.has(id),
    node: (id, nowSeconds) => {
      const entry = entries.get(id);
      return entry === undefined ? null : record(id, entry, nowSeconds);
    },
    forget: (id) => entries.delete(id),
    nodes: (nowSeconds) => [...entries].map(([id, entry]) => record(id, entry, nowSeconds)),
    dropped,
  };
}

/** A node of which nothing is known but its id. Pure. */
export function unseenNode(id: string): NodeRecord {
  return record(id, emptyEntry(), 0);
}

function emptyEntry(): Entry {
  return { sighting: null, report: null, receivedAtSeconds: 0, checks: new Map() };
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
    gpuErrors: report?.gpuErrors ?? null,
    pendingChecks: report?.pendingChecks ?? [],
    expectedGpus: report?.expectedGpus ?? null,
    provider: report?.provider ?? null,
    endpoint: report?.endpoint ?? null,
  };
}

/** All that a report says but its checks; where it is silent, what was said before. */
function sections(before: Sections | null, report: NodeReport): Sections {
  const said = <Key extends keyof Sections>(key: Key): Sections[Key] | undefined =>
    report[key] === undefined ? before?.[key] : shared(before?.[key], report[key]);
  const { full, seq, sentAt, startedAt, version } = report;
  return {
    full,
    seq,
    sentAt,
    startedAt,
    version,
    gpus: said("gpus"),
    resources: said("resources"),
    daemons: said("daemons"),
    stages: said("stages"),
    circuits: said("circuits"),
    gpuErrors: said("gpuErrors"),
    pendingChecks: said("pendingChecks"),
    expectedGpus: said("expectedGpus"),
    provider: said("provider"),
    endpoint: said("endpoint"),
  };
}
