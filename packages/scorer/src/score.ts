// core: pure
import {
  type CircuitState,
  circuitStates,
  type HealthLevel,
  HealthThresholds,
  RingRiftError,
  type StatusComponent,
  type ThresholdValues,
} from "@ringrift/protocol";

/** What the score is made of; null means not known. */
export interface SystemInputs {
  /** Nodes online of those expected; `expected` counts neither retired ones nor servers. */
  readonly nodes: { readonly online: number; readonly expected: number } | null;
  readonly circuits:
    | readonly { readonly name: string; readonly state: CircuitState; readonly critical: boolean }[]
    | null;
  /** Errors of severity error or above in the window (300 s). */
  readonly recentErrors: number | null;
  /** Recoveries that ended in the last 24 h; attempts in flight are not counted. */
  readonly recoveries: { readonly succeeded: number; readonly finished: number } | null;
  /** Null where no quorum is needed (standalone) or nothing is known of it. */
  readonly quorumHeld: boolean | null;
  /** False when the data behind the inputs is too old; absent means fresh. */
  readonly fresh?: boolean;
}

export interface Cap {
  readonly cap: number;
  readonly reason: string;
}

export interface SystemScore {
  /** 0-100 after caps; null when no component is known. */
  readonly score: number | null;
  /** 0-100 before caps. */
  readonly rawScore: number | null;
  readonly level: HealthLevel;
  /** True when a component is not known and the others carry its weight. */
  readonly partial: boolean;
  readonly caps: readonly Cap[];
  readonly components: {
    readonly nodeAvailability: StatusComponent;
    readonly circuitHealth: StatusComponent;
    readonly errorRate: StatusComponent;
    readonly recovery: StatusComponent;
  };
  /** What pauses the pipeline, as `name` or `name:value`. */
  readonly pauseTriggers: readonly string[];
}

const capWithoutQuorum = 39;
const capAllOffline = 39;
const capPaused = 59;
const capStale = 59;
const openCriticalPenalty = 20;

/**
 * The system's score: a weighted mean (nodes 40 %, circuits 25 %, errors 20 %, recovery 15 %) with vetoes, because a mean
 * alone calls a cluster with every node offline "60, degraded". Pure.
 *
 * @throws RingRiftError `SCORE_INPUT_INVALID` naming the field that is negative, fractional, not finite, or more than its whole.
 *
 * @example
 * scoreSystem({ nodes: { online: 0, expected: 4 }, circuits: [], recentErrors: 0, recoveries: null, quorumHeld: true }).score; // 39
 */
export function scoreSystem(inputs: SystemInputs, overrides: Partial<ThresholdValues> = {}): SystemScore {
  checkInputs(inputs);
  const thresholds = { ...HealthThresholds, ...overrides };
  const components = {
    nodeAvailability: nodeAvailability(inputs.nodes),
    circuitHealth: circuitHealth(inputs.circuits),
    errorRate: errorRate(inputs.recentErrors, thresholds.ERROR_BURST),
    recovery: recovery(inputs.recoveries),
  };
  const all = Object.values(components);
  const rawScore = weightedMean(all);
  const pauseTriggers = triggers(inputs, rawScore, thresholds);
  const caps = capsOf(inputs, pauseTriggers);
  const score = rawScore === null ? null : Math.min(rawScore, ...caps.map(({ cap }) => cap));
  return {
    score,
    rawScore,
    level: levelOf(score, thresholds),
    partial: all.some((component) => !component.known),
    caps,
    components,
    pauseTriggers,
  };
}

/** Level of a score: each bound belongs to the better level. */
export function levelOf(score: number | null, overrides: Partial<ThresholdValues> = {}): HealthLevel {
  if (score === null) return "UNKNOWN";
  const thresholds = { ...HealthThresholds, ...overrides };
  if (score >= thresholds.SCORE_HEALTHY) return "HEALTHY";
  if (score >= thresholds.SCORE_DEGRADED) return "DEGRADED";
  if (score >= thresholds.SCORE_UNHEALTHY) return "UNHEALTHY";
  return "CRITICAL";
}

function nodeAvailability(nodes: SystemInputs["nodes"]): StatusComponent {
  const weight = 0.4;
  if (nodes === null) return notKnown(weight, "no node is known");
  if (nodes.expected === 0) return notKnown(weight, "no node is expected");
  const { online, expected } = nodes;
  return known(weight, Math.min(100, (100 * online) / expected), `${online} of ${expected} nodes online`);
}

function circuitHealth(circuits: SystemInputs["circuits"]): StatusComponent {
  const weight = 0.25;
  if (circuits === null) return notKnown(weight, "circuits are not known");
  if (circuits.length === 0) return known(weight, 100, "no circuits");
  const notOpen = circuits.filter((circuit) => circuit.state !== "open").length;
  const openCritical = circuits.filter((circuit) => circuit.state === "open" && circuit.critical);
  const score = Math.max(0, (100 * notOpen) / circuits.length - openCriticalPenalty * openCritical.length);
  const critical =
    openCritical.length > 0 ? `, critical: ${openCritical.map(({ name }) => name).join(", ")}` : "";
  return known(weight, score, `${circuits.length - notOpen} of ${circuits.length} circuits open${critical}`);
}

function errorRate(recentErrors: number | null, burst: number): StatusComponent {
  const weight = 0.2;
  if (recentErrors === null) return notKnown(weight, "errors are not counted");
  const score = recentErrors >= burst ? 0 : (100 * (burst - recentErrors)) / burst;
  return known(weight, score, `${recentErrors} recent errors, ${burst} are a burst`);
}

function recovery(recoveries: SystemInputs["recoveries"]): StatusComponent {
  const weight = 0.15;
  if (recoveries === null) return notKnown(weight, "recoveries are not known");
  const { succeeded, finished } = recoveries;
  if (finished === 0) return known(weight, 100, "no recovery finished in 24 h");
  return known(
    weight,
    (100 * succeeded) / finished,
    `${succeeded} of ${finished} recoveries succeeded in 24 h`,
  );
}

function known(weight: number, score: number, detail: string): StatusComponent {
  return { score, weight, known: true, detail };
}

function notKnown(weight: number, detail: string): StatusComponent {
  return { score: null, weight, known: false, detail };
}

function weightedMean(components: readonly StatusComponent[]): number | null {
  let sum = 0;
  let weights = 0;
  for (const { score, weight } of components) {
    if (score === null) continue;
    // Weights in whole percent keep the sum exact where the scores are whole.
    sum += Math.round(weight * 100) * score;
    weights += Math.round(weight * 100);
  }
  if (weights === 0) return null;
  const mean = Math.min(100, Math.max(0, sum / weights));
  // 79.99999999999999 is 80 written in binary; truncation alone would make it 79.
  return Math.trunc(Math.round(mean * 1e9) / 1e9);
}

function triggers(inputs: SystemInputs, rawScore: number | null, thresholds: ThresholdValues): string[] {
  const found: string[] = [];
  if (rawScore !== null && rawScore < thresholds.PAUSE_SCORE) found.push(`health_score_critical:${rawScore}`);
  const { nodes } = inputs;
  if (nodes !== null && nodes.expected > 0) {
    const offline = Math.max(0, nodes.expected - nodes.online) / nodes.expected;
    if (offline >= thresholds.PAUSE_OFFLINE_RATIO && offline > 0)
      found.push(`nodes_offline:${Math.round(offline * 100)}%`);
  }
  for (const circuit of inputs.circuits ?? []) {
    if (circuit.critical && circuit.state === "open") found.push(`critical_circuit_open:${circuit.name}`);
  }
  if (inputs.recentErrors !== null && inputs.recentErrors >= thresholds.ERROR_BURST)
    found.push("error_burst_detected");
  return found;
}

function capsOf(inputs: SystemInputs, pauseTriggers: readonly string[]): Cap[] {
  const caps: Cap[] = [];
  if (inputs.quorumHeld === false) caps.push({ cap: capWithoutQuorum, reason: "quorum lost" });
  if (inputs.nodes !== null && inputs.nodes.expected > 0 && inputs.nodes.online === 0)
    caps.push({ cap: capAllOffline, reason: "every node is offline" });
  if (pauseTriggers.length > 0) caps.push({ cap: capPaused, reason: `pause: ${pauseTriggers.join(", ")}` });
  if (inputs.fresh === false) caps.push({ cap: capStale, reason: "no fresh data" });
  return caps;
}

function checkInputs(inputs: SystemInputs): void {
  const { nodes, circuits, recentErrors, recoveries } = inputs;
  for (const field of ["nodes", "circuits", "recentErrors", "recoveries", "quorumHeld"] as const) {
    if (inputs[field] === undefined) throw invalid(`${field} is missing.`);
  }
  if (nodes !== null) {
    checkCount("nodes.online", nodes.online);
    checkCount("nodes.expected", nodes.expected);
  }
  if (recentErrors !== null) checkCount("recentErrors", recentErrors);
  if (recoveries !== null) {
    checkCount("recoveries.succeeded", recoveries.succeeded);
    checkCount("recoveries.finished", recoveries.finished);
    if (recoveries.succeeded > recoveries.finished)
      throw invalid(
        `recoveries.succeeded is ${recoveries.succeeded} of only ${recoveries.finished} finished.`,
      );
  }
  for (const [index, { state, critical }] of (circuits ?? []).entries()) {
    if (!circuitStates.includes(state))
      throw invalid(`circuits[${index}].state is ${state}; ${circuitStates.join(", ")} are accepted.`);
    if (typeof critical !== "boolean")
      throw invalid(`circuits[${index}].critical is ${critical}; true and false are accepted.`);
  }
}

function checkCount(field: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw invalid(`${field} is ${value}; a whole number from 0 is accepted.`);
}

function invalid(text: string): RingRiftError {
  return new RingRiftError(`The score cannot be computed: ${text}`, {
    code: "SCORE_INPUT_INVALID",
    nextStep: "Give null for what is not known.",
  });
}
