// core: pure
import {
  type ClusterMonitor,
  createClusterMonitor,
  type DroppedCounts,
  type MemberSighting,
  type NodeRecord,
} from "@ringrift/cluster-monitor";
import {
  type CircuitState,
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
import { type Breaker, createBreaker } from "./breaker.ts";
import { type NodeHealth, nodeHealth } from "./node-health.ts";
import { createNodeStreaks, type NodeStreaks } from "./node-state.ts";
import { eventReason } from "./reason.ts";
import { reportEvents } from "./report-events.ts";
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

const maxCircuits = 100;
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
  readonly #retired = new Map<string, string>();
  readonly #providersDown = new Map<string, string>();
  readonly #lastState = new Map<string, NodeState>();
  readonly #lastLink = new Map<string, LinkState>();
  readonly #circuits = new Map<
    string,
    { readonly breaker: Breaker; critical: boolean; last: CircuitState }
  >();
  readonly #errors: SlidingWindow;
  #nowSeconds = 0;

  constructor(options: OrchestratorOptions) {
    this.#thresholds = options.thresholds ?? HealthThresholds;
    this.#sink = options.emit;
    this.#monitor = createClusterMonitor({
      reportStaleSeconds: this.#thresholds.REPORT_STALE_SECONDS,
      ...(options.maxNodes === undefined ? {} : { maxNodes: options.maxNodes }),
    });
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
    for (const occurrence of reportEvents(before, after, nowSeconds)) this.#emit(occurrence);
    // Only this node: going over all of them at each report would cost nodes times reports.
    this.#stateTransition(after);
  }

  /** Lets what depends on time alone show: reports grow old, circuits half-open. */
  tick(nowSeconds: number): void {
    this.#nowSeconds = nowSeconds;
    this.#stateTransitions();
    for (const name of this.#circuits.keys()) this.#circuitTransition(name, "time");
  }

  getNodeHealth(id: string): NodeHealth | null {
    const record = this.#monitor.node(id, this.#nowSeconds);
    return record === null ? null : this.#healthOf(record);
  }

  getNodes(): readonly NodeHealth[] {
    return this.#monitor.nodes(this.#nowSeconds).map((record) => this.#healthOf(record));
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

  /** Takes a node out of every count, known or not, until {@link unretire}. */
  retire(id: string, reason: string): void {
    if (this.#retired.has(id)) return;
    this.#retired.set(id, reason);
    this.#emit({ name: "NODE_RETIRED", data: { nodeId: id, reason: eventReason(reason) } });
  }

  /** The node counts again; it is unknown until it reports, since what it said before is old. */
  unretire(id: string): void {
    if (this.#retired.delete(id)) this.#streaks.delete(id);
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
    let circuit = this.#circuits.get(name);
    if (circuit === undefined) {
      if (this.#circuits.size >= maxCircuits) return;
      circuit = { breaker: createBreaker(this.#thresholds), critical, last: "closed" };
      this.#circuits.set(name, circuit);
    }
    circuit.critical = critical;
    circuit.breaker.record(ok, nowSeconds);
    this.#circuitTransition(name, ok ? "a success" : "failures in a row");
  }

  /** The circuits kept here; those of other nodes come with their reports. */
  circuits(): readonly CircuitStatus[] {
    return [...this.#circuits].map(([name, { breaker, critical }]) => ({
      name,
      state: breaker.state(this.#nowSeconds),
      critical,
    }));
  }

  /** Errors of severity error or above in the window. */
  errorCount(nowSeconds: number): number {
    return this.#errors.counts(nowSeconds).failed;
  }

  #agents(): readonly NodeHealth[] {
    return this.getNodes().filter((node) => node.role === "agent");
  }

  #stateOf(record: NodeRecord): NodeState {
    if (this.#retired.has(record.id)) return "retired";
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
    if (!this.#isFresh(record)) return "unknown";
    const verdict = this.#streaks.get(record.id)?.verdict(this.#nowSeconds) ?? "unknown";
    return verdict === "healthy" && record.pendingChecks.length > 0 ? "unknown" : verdict;
  }

  #isFresh({ reportAgeSeconds }: NodeRecord): boolean {
    return reportAgeSeconds !== null && reportAgeSeconds <= this.#thresholds.REPORT_STALE_SECONDS;
  }

  #healthOf(record: NodeRecord): NodeHealth {
    const isLinked = record.link === "alive" || record.link === "suspect";
    return nodeHealth(record, {
      state: this.#stateOf(record),
      why: this.#retired.get(record.id) ?? this.#providersDown.get(record.provider ?? "") ?? "",
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
  }

  #circuitTransition(name: string, reason: string): void {
    const circuit = this.#circuits.get(name);
    if (circuit === undefined) return;
    const state = circuit.breaker.state(this.#nowSeconds);
    if (state === circuit.last) return;
    circuit.last = state;
    const data = { circuit: name, state, critical: circuit.critical, reason };
    if (state === "open") this.#emit({ name: "CIRCUIT_OPENED", data });
    else if (state === "closed") this.#emit({ name: "CIRCUIT_CLOSED", data });
  }

  #emit(occurrence: EventOccurrence): void {
    if (errorEvents.has(occurrence.name) && isSevere(occurrence) && !this.#isOfRetired(occurrence))
      this.#errors.record(false, this.#nowSeconds);
    this.#sink(occurrence);
  }

  #isOfRetired({ data }: EventOccurrence): boolean {
    return "nodeId" in data && this.#retired.has(data.nodeId);
  }
}

/** A program that crashed on a GPU is told, but is no error of the cluster; an event without severity is one. */
function isSevere({ data }: EventOccurrence): boolean {
  const severity = "severity" in data ? data.severity : undefined;
  return severity === undefined || severity === "error" || severity === "critical";
}
