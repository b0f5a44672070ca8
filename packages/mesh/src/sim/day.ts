import { defaultSuspicionTiming } from "../core/suspicion.ts";
import { createDetectionRun, type DetectionRun } from "./detection.ts";
import { createJudge } from "./invariant.ts";
import { noLiveMemberDown } from "./invariants/no-live-member-down.ts";
import { refutationIsBelieved } from "./invariants/refutation-is-believed.ts";
import { createSeededRandom } from "./seeded-random.ts";

// A day of ordinary trouble. Stretches in which nothing happens and everyone is heard are skipped, since there the next
// second is like the last; what is simulated is simulated in full.

export interface DayOptions {
  readonly seed: number;
  readonly agents: number;
  readonly servers: number;
  readonly hours: number;
  /** Share of the agents that leave or crash, and come back; 0.01 when unset. */
  readonly churnPerHour?: number;
}

export interface DayResult {
  readonly violation: string | null;
  /** Virtual seconds that were simulated, of the whole day. */
  readonly watchedSeconds: number;
  readonly pauses: number;
  readonly stalls: number;
  readonly leaves: number;
  readonly crashes: number;
  readonly restarts: number;
  readonly liveDeclaredDown: number;
  /** From a crash until every server lists it down, sorted, milliseconds. */
  readonly detectionsMs: readonly number[];
}

interface Happening {
  readonly at: number;
  readonly run: () => void;
}

const hourMs = 3_600_000;
const pauseMs = 4_000;
const pausesPerHour = 24;
const loss = { share: 0.2, fromHour: 0.2, ms: 600_000 };
/** Longest quiet stretch that is simulated. */
const quietMs = 12_000;
const { heartbeatMs, missedHeartbeats, suspicionMs } = defaultSuspicionTiming;
/** The longest that a silent member may be in suspicion, and the time for servers to tell one another. */
const downWithinMs = heartbeatMs * missedHeartbeats + suspicionMs + 5_000;
const backWithinMs = 5_000;

export function runDay(options: DayOptions, onHour: (hour: number) => void = () => {}): DayResult {
  const { seed, agents, servers, hours, churnPerHour = 0.01 } = options;
  const random = createSeededRandom(seed + 1);
  const judge = createJudge([noLiveMemberDown, refutationIsBelieved]);
  const count = { pauses: 0, stalls: 0, leaves: 0, crashes: 0, restarts: 0, liveDeclaredDown: 0 };
  const detectionsMs: number[] = [];
  const away = new Set<string>();
  let crashed: { readonly id: string; readonly at: number } | null = null;
  const run: DetectionRun = createDetectionRun({
    seed,
    agents,
    servers,
    see: (fact) => {
      if (fact.type === "listed" && fact.state === "down" && fact.live) count.liveDeclaredDown += 1;
      if (fact.type === "listed" && fact.member === crashed?.id) noteDetection();
      judge.see(fact);
    },
  });
  const happenings: Happening[] = [];
  let dayMs = 0;
  let lossy = false;

  function noteDetection(): void {
    if (crashed === null || !run.states(crashed.id).every((state) => state === "down")) return;
    detectionsMs.push(run.now() - crashed.at);
    crashed = null;
  }
  const happen = (at: number, what: () => void): void => {
    happenings.push({ at, run: what });
    happenings.sort((a, b) => b.at - a.at);
  };
  const someone = (): string => {
    for (;;) {
      const id = random.pick(run.agents);
      if (!away.has(id)) return id;
    }
  };

  const comeBack = (id: string, afterMs: number): void =>
    happen(dayMs + afterMs, () => {
      count.restarts += 1;
      // Its wall clock may have been set while it was away.
      run.restart(id, 1e12 + dayMs + random.between(-hourMs, hourMs));
      happen(dayMs + backWithinMs, () => {
        judge.see({ type: "refutation_settled", member: id, afterMs: backWithinMs, listed: run.states(id) });
        away.delete(id);
      });
    });
  const leave = (): void => {
    const id = someone();
    away.add(id);
    count.leaves += 1;
    run.leave(id);
    comeBack(id, random.between(1_000, 60_000));
  };
  const crash = (): void => {
    const id = someone();
    away.add(id);
    count.crashes += 1;
    crashed = { id, at: run.now() };
    run.kill(id);
    const awayMs = random.between(500, 60_000);
    if (awayMs > downWithinMs)
      happen(dayMs + downWithinMs, () =>
        judge.see({ type: "crash_settled", member: id, afterMs: downWithinMs, listed: run.states(id) }),
      );
    comeBack(id, awayMs);
  };
  const pause = (): void => {
    const id = someone();
    away.add(id);
    count.pauses += 1;
    run.freeze(id);
    happen(dayMs + pauseMs, () => {
      run.thaw(id);
      away.delete(id);
    });
  };
  const stall = (): void => {
    count.stalls += 1;
    run.stall(random.pick(run.servers).id, random.between(500, 3_000));
  };
  const spread = (perHour: number, what: () => void): void => {
    for (let index = 0; index < perHour * hours; index += 1)
      happen(random.between(5_000, hours * hourMs), what);
  };
  spread(pausesPerHour, pause);
  spread(agents * churnPerHour * 0.7, crash);
  spread(agents * churnPerHour * 0.3, leave);
  spread(2, stall);
  happen(loss.fromHour * hourMs, () => {
    lossy = true;
    run.setLoss(loss.share);
  });
  happen(loss.fromHour * hourMs + loss.ms, () => {
    lossy = false;
    run.setLoss(0);
  });

  for (let hour = 1; hour <= hours; hour += 1) happen(hour * hourMs, () => onHour(hour));
  while (judge.violation() === null) {
    const next = happenings.pop();
    if (next === undefined) break;
    const gapMs = next.at - dayMs;
    run.run(lossy ? gapMs : Math.min(gapMs, quietMs));
    dayMs = next.at;
    next.run();
  }
  const broken = judge.violation();
  return {
    ...count,
    violation:
      broken === null ? null : `${broken.invariant}: ${broken.detail} (hour ${(dayMs / hourMs).toFixed(3)})`,
    watchedSeconds: run.now() / 1_000,
    detectionsMs: detectionsMs.sort((a, b) => a - b),
  };
}
