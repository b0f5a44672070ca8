import type { DaemonState } from "@ringrift/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { readDefinitions } from "../definition/definition-reader.ts";
import { DaemonRecord } from "./daemon-record.ts";

type Step =
  | { readonly kind: "pass" | "fail" | "exit" | "stop" | "refuse" }
  | { readonly kind: "wait"; readonly ms: number };

const stableMs = 60_000;
const graceMs = 60_000;
const hourMs = 3_600_000;

/** The rules written out as plainly as they can be, keeping every death for ever. */
class Model {
  state: DaemonState = "initializing";
  deaths: number[] = [];
  looping = false;
  startedAt = 0;
  readySince: number | null = null;
  failing = 0;
  lastFailed = false;
  restarts = 0;

  begin(now: number, isRestart: boolean): void {
    if (isRestart) this.restarts += 1;
    Object.assign(this, {
      state: "starting",
      startedAt: now,
      readySince: null,
      failing: 0,
      lastFailed: false,
    });
  }
  check(ok: boolean, now: number): boolean {
    this.lastFailed = !ok;
    if (ok) {
      this.failing = 0;
      if (this.readySince === null) Object.assign(this, { state: "running", readySince: now });
      return false;
    }
    if (now - this.startedAt >= graceMs) this.failing += 1;
    return this.failing >= 3;
  }
  die(now: number): void {
    if (this.readySince !== null && now - this.readySince >= stableMs) this.looping = false;
    this.deaths.push(now);
    const within = (ms: number): number => this.deaths.filter((at) => now - at < ms).length;
    if (within(120_000) >= 5 || within(hourMs) > 10) this.looping = true;
    Object.assign(this, { state: "restarting", readySince: null, failing: 0, lastFailed: false });
  }
  get shown(): DaemonState {
    return this.looping && ["starting", "running", "restarting"].includes(this.state)
      ? "degraded"
      : this.state;
  }
  get healthy(): boolean {
    return this.shown === "running" && !this.lastFailed;
  }
}

/** Often exactly at, or a millisecond beside, where a rule changes its answer. */
const span = fc.oneof(
  fc.constantFrom(1, 999, 1000, 1001, 29_999, 30_000, 59_000, 59_999, 60_000, 60_001, 119_999, 120_000),
  fc.integer({ min: 1, max: 400_000 }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("pass" as const, "fail" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: span }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("exit" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("stop" as const, "refuse" as const) }),
  },
);

/** A record and its model, taken through the same life. */
class Pair {
  readonly #a: DaemonRecord;
  readonly #model: Model = new Model();
  #now = 0;

  constructor() {
    const [definition] = readDefinitions({
      daemons: [{ name: "a", command: ["a"], liveness: { tcp: "x:1" } }],
    }).definitions;
    if (definition === undefined) throw new Error("the definition is wrong");
    this.#a = new DaemonRecord(definition);
    this.launch(false);
  }

  launch(isRestart: boolean): void {
    this.#a.starting(this.#now, isRestart).nowRuns(7, this.#now);
    this.#model.begin(this.#now, isRestart);
  }

  agree(): void {
    expect(this.#a.state).toBe(this.#model.shown);
    expect(this.#a.verdict().status === "healthy").toBe(this.#model.healthy);
    expect(this.#a.ready).toBe(this.#model.state === "running");
    expect(this.#a.health(this.#now).restarts).toBe(this.#model.restarts);
  }

  wait(ms: number): void {
    this.#now += ms;
    if (this.#a.stableInMs(this.#now) !== 0) return;
    this.#a.stable();
    this.#model.looping = false;
  }

  check(ok: boolean): void {
    const mustRestart = this.#a.probed(ok, "x", this.#now) !== null;
    expect(mustRestart).toBe(this.#model.check(ok, this.#now));
    if (mustRestart) this.exit();
  }

  exit(): void {
    const decision = this.#a.died({ kind: "code", code: 1 }, this.#now, 0.5);
    this.#model.die(this.#now);
    expect(decision.kind).toBe(this.#model.looping ? "degraded" : "restart");
    this.agree();
    if (decision.kind === "ended") throw new Error("it ended for good");
    this.#now += decision.delayMs;
    this.launch(true);
  }

  /** Down for good, until an operator starts it: then past crashes are forgotten. */
  endAndStartAnew(kind: "stop" | "refuse"): void {
    if (kind === "refuse") this.#a.refused("program a not found");
    else {
      this.#a.stopping("stopping");
      this.#a.stopped("stopped by request", false, this.#now);
    }
    expect(this.#a.state).toBe(kind === "stop" ? "stopped" : "start_refused");
    expect(this.#a.verdict().status).toBe("unhealthy");
    expect(this.#a.health(this.#now)).toMatchObject({ ready: false, pid: null });
    this.#a.wanted();
    Object.assign(this.#model, { deaths: [], looping: false });
    this.launch(false);
  }
}

it("is in the state, as healthy, as ready and as often restarted as the plain rules say, whatever happens", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      const pair = new Pair();
      for (const one of steps) {
        pair.agree();
        if (one.kind === "wait") pair.wait(one.ms);
        else if (one.kind === "exit") pair.exit();
        else if (one.kind === "stop" || one.kind === "refuse") pair.endAndStartAnew(one.kind);
        else pair.check(one.kind === "pass");
      }
      pair.agree();
    }),
    { numRuns: 300 },
  );
});
