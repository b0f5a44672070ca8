// core: pure
import type { CircuitState, CircuitStatus, EventOccurrence, ThresholdValues } from "@ringrift/protocol";
import { type Breaker, createBreaker } from "./breaker.ts";

const maxCircuits = 100;

interface Circuit {
  readonly breaker: Breaker;
  critical: boolean;
  last: CircuitState;
}

/** The circuits that this process keeps; past the bound of 100 none is opened. */
export class Circuits {
  readonly #thresholds: ThresholdValues;
  readonly #circuits = new Map<string, Circuit>();

  constructor(thresholds: ThresholdValues) {
    this.#thresholds = thresholds;
  }

  /** @returns what is to be told */
  record(name: string, ok: boolean, critical: boolean, nowSeconds: number): readonly EventOccurrence[] {
    let circuit = this.#circuits.get(name);
    if (circuit === undefined) {
      if (this.#circuits.size >= maxCircuits) return [];
      circuit = { breaker: createBreaker(this.#thresholds), critical, last: "closed" };
      this.#circuits.set(name, circuit);
    }
    circuit.critical = critical;
    circuit.breaker.record(ok, nowSeconds);
    return transition(name, circuit, nowSeconds, ok ? "a success" : "failures in a row");
  }

  /** @returns what time alone has changed */
  tick(nowSeconds: number): readonly EventOccurrence[] {
    return [...this.#circuits].flatMap(([name, circuit]) => transition(name, circuit, nowSeconds, "time"));
  }

  statuses(nowSeconds: number): readonly CircuitStatus[] {
    return [...this.#circuits].map(([name, { breaker, critical }]) => ({
      name,
      state: breaker.state(nowSeconds),
      critical,
    }));
  }
}

function transition(
  name: string,
  circuit: Circuit,
  nowSeconds: number,
  reason: string,
): readonly EventOccurrence[] {
  const state = circuit.breaker.state(nowSeconds);
  if (state === circuit.last) return [];
  circuit.last = state;
  const data = { circuit: name, state, critical: circuit.critical, reason };
  if (state === "open") return [{ name: "CIRCUIT_OPENED", data }];
  return state === "closed" ? [{ name: "CIRCUIT_CLOSED", data }] : [];
}
