// core: pure
import {
  type ClusterMonitor,
  createClusterMonitor,
  type DroppedCounts,
  type MemberSighting,
  type NodeRecord,
  unseenNode,
} from "@ringrift/cluster-monitor";
import {
  type CircuitStatus,
  type EventOccurrence,
  HealthThresholds,
  type LinkState,
  type NodeReport,
  type NodeState,
  RingRiftError,
  SlidingWindow,
  type ThresholdValues,
} from "@ringrift/protocol";
import { Circuits } from "./circuits.ts";
import type { Retirement } from "./decisions.ts";
import { type NodeHealth, nodeHealth } from "./node-health.ts";
import { createNodeStreaks, type NodeStreaks } from "./node-state.ts";
import { eventReason } from "./reason.ts";
import { reportEvents } from "./report-events.ts";
import { RetiredNodes } from "./retired-nodes.ts";
import {
  type ClusterHealthSummary,
  isAvailable,
  isOverloaded,
  isUnderutilized,
  summarize,
} from "./summary.ts";

export interface OrchestratorOptions {
  /** Told of every transition. */
  readonly emit: (occurrence: EventOccurrence) => void;
  readonly thresholds?: ThresholdValues;
  readonly maxNodes?: number;
}

const maxProviders = 1000;
const errorEvents: ReadonlySet<string> = new Set([
  "HEALTH_CHECK_FAILED",
  "NODE_DOWN",
  "DAEMON_FAILED",
  "GPU_ERROR",
  "CIRCUIT_OPENED",
]);

/**
 * Joins what the mesh and the nodes say into node states and a cluster summary, and tells of transitions. Keeps no clock:
 * every call that depends on time brings `nowSeconds`, and answers are as of the last one.
 */
export class HealthCheckOrchestrator {
  readonly #thresholds: ThresholdValues;
  readonly #sink: (occurrence: EventOccurrence) => void;
  readonly #monitor: ClusterMonitor;
  readonly #streaks = new Map<string, NodeStreaks>();
  readonly #retired = new RetiredNodes();
  readonly #providersDown = new Map<string, string>();
  readonly #lastState = new Map<string, NodeState>();
  readonly #lastLink = new Map<string, LinkState>();
  readonly #circuits: Circuits;
  readonly #errors: SlidingWindow;
  #nowSeconds = 0;

  constructor(options: OrchestratorOptions) {
    this.#thresholds = options.thresholds ?? HealthThresholds;
    this.#sink = options.emit;
    this.#monitor = createClusterMonitor({
      reportStaleSeconds: this.#thresholds.REPORT_STALE_SECONDS,
      ...(options.maxNodes === undefined ? {} : { maxNodes: options.maxNodes }),
    });
    this.#circuits = new Circuits(this.#thresholds);
    this.#errors = new SlidingWindow(this.#thresholds.ERROR_WINDOW_SECONDS);
  }

  /** Takes over the mesh's whole list of members, with all that {@link tick} does. */
  applyMembers(members: readonly MemberSighting[], nowSeconds: number): void {
    this.#nowSeconds = nowSeconds;
    this.#monitor.applyMembers(members);
    for (const member of members) this.#linkTransition(member);
    this.tick(nowSeconds);
    this.#forgetTheForgotten(members);
  }

  /** Takes over one member's change at once; going over all of them at each would cost members times changes. */
  applyMember(member: MemberSighting, nowSeconds: number): void {
    this.#nowSeconds = nowSeconds;
    this.#monitor.applyMember(member);
    this.#linkTransition(member);
    const record = this.#monitor.node(member.id, nowSeconds);
    if (record !== null) this.#stateTransition(record);
  }

  applyReport(nodeId: string, report: NodeReport, nowSeconds: number): void {
    this.#nowSeconds = nowSeconds;
    const before = this.#monitor.node(nodeId, nowSeconds);
    const { accepted, freshChecks } = this.#monitor.applyReport(nodeId, report, nowSeconds);
    const after = this.#monitor.node(nodeId, nowSeconds);
    if (!accepted || after === null) return;
    const streaks = this.#streaks.get(nodeId) ?? createNodeStreaks(this.#thresholds);
    this.#streaks.set(nodeId, streaks);
    // A node that starts anew has not passed what failed before.
    streaks.keepOnly(new Set([...after.checks.map((check) => check.check), ...after.pendingChecks]));
    for (const check of freshChecks) streaks.observe(check.check, check.state, nowSeconds);
    this.#retired.reported(nodeId);
    for (const occurrence of reportEvents(before, after, nowSeconds)) this.#emit(occurrence);
    // Only this node: going over all of them at each report would cost nodes times reports.
    this.#stateTransition(after);
  }

  /** Lets what depends on time alone show: reports grow old, circuits half-open. */
  tick(nowSeconds: number): void {
    this.#nowSeconds = nowSeconds;
    this.#stateTransitions();
    for (const event of this.#circuits.tick(nowSeconds)) this.#emit(event);
  }

  getNodeHealth(id: string): NodeHealth | null {
    const known = this.#monitor.node(id, this.#nowSeconds);
    const record = known ?? (this.#retired.of(id) === null ? null : unseenNode(id));
    return record === null ? null : this.#healthOf(record);
  }

  /** Every node that is known, and the retired ones whether they are or not. */
  getNodes(): readonly NodeHealth[] {
    const gone = [...this.#retired.all.keys()].filter((id) => !this.#monitor.has(id));
    return [...this.#monitor.nodes(this.#nowSeconds), ...gone.map(unseenNode)].map((record) =>
      this.#healthOf(record),
    );
  }

  getClusterHealthSummary(): ClusterHealthSummary {
    return summarize(this.getNodes());
  }

  getAvailableNodes(): readonly NodeHealth[] {
    return this.#agents().filter(isAvailable);
  }
  getUnderutilizedNodes(): readonly NodeHealth[] {
    return this.getAvailableNodes().filter(isUnderutilized);
  }
  getOverloadedNodes(): readonly NodeHealth[] {
    return this.#agents().filter(isOverloaded);
  }

  /**
   * Takes over the whole set of retired nodes. They are out of every count, and nothing that befalls them is told; a node
   * that is back is unknown until it reports. Differences are told as NODE_RETIRED and NODE_UNRETIRED.
   *
   * @param newsSince Of a process that has just started and takes over what was decided before: only retirements from that
   *   time on are told, seconds since 1970. Null: every difference is.
   */
  setRetired(retired: ReadonlyMap<string, Retirement>, newsSince: number | null): void {
    const { returned, events } = this.#retired.replace(retired, newsSince);
    // How its link is now is news.
    for (const id of returned) this.#lastLink.delete(id);
    for (const event of events) this.#emit(event);
    this.#stateTransitions();
  }

  /** Null for a node that is not retired. */
  retirement(id: string): Retirement | null {
    return this.#retired.of(id);
  }

  /** As {@link setRetired} with this node too, where no servers agree on the set. */
  retire(id: string, reason: string): void {
    if (this.#retired.of(id) !== null) return;
    this.setRetired(new Map([...this.#retired.all, [id, { reason, at: this.#nowSeconds }]]), null);
  }

  /** As {@link setRetired} without this node. */
  unretire(id: string): void {
    this.setRetired(new Map([...this.#retired.all].filter(([retired]) => retired !== id)), null);
  }

  /** Calls every node of the provider `provider_down`, until {@link markProviderUp}. @throws RingRiftError past 1,000 providers. */
  markProviderDown(provider: string, reason: string): void {
    if (!this.#providersDown.has(provider) && this.#providersDown.size >= maxProviders)
      throw new RingRiftError(`Provider ${provider} can't be marked down: ${maxProviders} already are.`, {
        code: "TOO_MANY_PROVIDERS",
        nextStep: "Mark those up that are back.",
      });
    this.#providersDown.set(provider, reason);
    this.#stateTransitions();
  }

  markProviderUp(provider: string): void {
    if (this.#providersDown.delete(provider)) this.#stateTransitions();
  }

  /** Reports, nodes and checks that were left out, since the start. */
  dropped(): DroppedCounts {
    return { ...this.#monitor.dropped };
  }

  /** Feeds the circuit of that name; circuits past the bound of 100 are not opened. */
  recordCircuit(name: string, ok: boolean, critical: boolean, nowSeconds: number): void {
    this.#nowSeconds = nowSeconds;
    for (const event of this.#circuits.record(name, ok, critical, nowSeconds)) this.#emit(event);
  }

  /** The circuits kept here; those of other nodes come with their reports. */
  circuits(): readonly CircuitStatus[] {
    return this.#circuits.statuses(this.#nowSeconds);
  }

  /** Errors of severity error or above in the window. */
  errorCount(nowSeconds: number): number {
    return this.#errors.counts(nowSeconds).failed;
  }

  #agents(): readonly NodeHealth[] {
    return this.getNodes().filter((node) => node.role === "agent");
  }

  #stateOf(record: NodeRecord): NodeState {
    if (this.#retired.of(record.id) !== null) return "retired";
    if (record.provider !== null && this.#providersDown.has(record.provider)) return "provider_down";
    if (!record.sighted) return "unknown";
    if (record.link === "down" || record.link === "left") return "offline";
    // A server need not report: that it answers in the mesh may be all there is to know of it.
    const known =
      this.#isFresh(record) || record.role === "agent" ? this.#verdictOf(record) : ("healthy" as const);
    // A node that is not heard is not well, whatever it said last; whether it is gone the mesh has yet to decide.
    return record.link === "suspect" && known === "healthy" ? "degraded" : known;
  }

  #verdictOf(record: NodeRecord): NodeState {
    if (!this.#isFresh(record) || this.#retired.isReturning(record.id)) return "unknown";
    const verdict = this.#streaks.get(record.id)?.verdict(this.#nowSeconds) ?? "unknown";
    return verdict === "healthy" && record.pendingChecks.length > 0 ? "unknown" : verdict;
  }

  #isFresh({ reportAgeSeconds }: NodeRecord): boolean {
    return reportAgeSeconds !== null && reportAgeSeconds <= this.#thresholds.REPORT_STALE_SECONDS;
  }

  #healthOf(record: NodeRecord): NodeHealth {
    const isLinked = record.link === "alive" || record.link === "suspect";
    const retired = this.#retired.of(record.id);
    return nodeHealth(record, {
      state: this.#stateOf(record),
      why: retired?.reason ?? this.#providersDown.get(record.provider ?? "") ?? "",
      retired,
      hasFreshReport: isLinked && this.#isFresh(record),
    });
  }

  #linkTransition({ id, link, reason }: MemberSighting): void {
    const previous = this.#lastLink.get(id);
    if (previous === link) return;
    this.#lastLink.set(id, link);
    const data = { nodeId: id, reason: eventReason(reason) };
    if (link === "suspect") this.#emit({ name: "NODE_SUSPECT", data });
    else if (link === "down") this.#emit({ name: "NODE_DOWN", data });
    else if (link === "left") this.#emit({ name: "NODE_LEFT", data });
    else if (previous === undefined || previous === "down" || previous === "left")
      this.#emit({ name: "NODE_UP", data });
  }

  #stateTransitions(): void {
    for (const record of this.#monitor.nodes(this.#nowSeconds)) this.#stateTransition(record);
  }

  #stateTransition(record: NodeRecord): void {
    const state = this.#stateOf(record);
    const previous = this.#lastState.get(record.id) ?? "unknown";
    this.#lastState.set(record.id, state);
    if (state === previous || (record.role === "server" && !this.#streaks.has(record.id))) return;
    const failing = state === "unhealthy" || state === "evicted";
    const wasFailing = previous === "unhealthy" || previous === "evicted";
    if (!failing && state !== "healthy" && !(state === "degraded" && wasFailing)) return;
    const reason = eventReason(this.#healthOf(record).reasons.join("; "));
    const data = { nodeId: record.id, reason, state, previous };
    this.#emit({ name: failing ? "HEALTH_CHECK_FAILED" : "HEALTH_CHECK_PASSED", data });
  }

  /** What is kept here of nodes lasts as long as their place in the table; hosts under new names must not add up. */
  #forgetTheForgotten(members: readonly MemberSighting[]): void {
    const listed = new Set(members.map((member) => member.id));
    for (const kept of [this.#streaks, this.#lastState, this.#lastLink])
      for (const id of kept.keys()) if (!listed.has(id) && !this.#monitor.has(id)) kept.delete(id);
    this.#retired.keepOnly((id) => listed.has(id) || this.#monitor.has(id));
  }

  #emit(occurrence: EventOccurrence): void {
    if (this.#isOfRetired(occurrence)) return;
    if (errorEvents.has(occurrence.name) && isSevere(occurrence))
      this.#errors.record(false, this.#nowSeconds);
    this.#sink(occurrence);
  }

  /** What befalls a retired node is news to nobody. */
  #isOfRetired({ name, data }: EventOccurrence): boolean {
    return name !== "NODE_RETIRED" && "nodeId" in data && this.#retired.of(data.nodeId) !== null;
  }
}

/** A program that crashed on a GPU is told, but is no error of the cluster; an event without severity is one. */
function isSevere({ data }: EventOccurrence): boolean {
  const severity = "severity" in data ? data.severity : undefined;
  return severity === undefined || severity === "error" || severity === "critical";
}
