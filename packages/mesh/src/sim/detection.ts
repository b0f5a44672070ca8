import type { LinkState } from "@ringrift/protocol";
import { defaultSuspicionTiming } from "../core/suspicion.ts";
import { createEventQueue } from "./event-queue.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { createSimulatedServer, type SimulatedServer } from "./simulated-server.ts";

export interface DetectionOptions {
  readonly seed: number;
  readonly servers: number;
  readonly agents: number;
  /** Share of heartbeats that never arrive. */
  readonly loss?: number;
}

/** Servers that watch agents over virtual links; times are virtual milliseconds. */
export interface DetectionRun {
  readonly now: () => number;
  readonly run: (ms: number) => void;
  /** The process dies: every link closes within milliseconds. */
  readonly kill: (agent: string) => void;
  /** The process stops without closing anything. */
  readonly freeze: (agent: string) => void;
  readonly thaw: (agent: string) => void;
  /** What each server lists it as. */
  readonly states: (agent: string) => readonly (LinkState | undefined)[];
  /** Agents that any server has listed down, ever. */
  readonly everDown: () => readonly string[];
  readonly agents: readonly string[];
}

const { heartbeatMs } = defaultSuspicionTiming;
const tickMs = 50;
const life = { boot: 1, counter: 0 };

export function createDetectionRun(options: DetectionOptions): DetectionRun {
  const random = createSeededRandom(options.seed);
  const queue = createEventQueue();
  const serverIds = Array.from({ length: options.servers }, (_, index) => `s${index + 1}`);
  const agents = Array.from({ length: options.agents }, (_, index) => `n${index + 1}`);
  const stopped = new Set<string>();
  const everDown = new Set<string>();

  const later = (run: () => void): void => queue.add(queue.now() + random.between(0.2, 4), run);
  const toOthers = (from: string, run: (server: SimulatedServer) => void): void => {
    for (const server of servers) if (server.id !== from) later(() => run(server));
  };
  const servers: SimulatedServer[] = serverIds.map((id) =>
    createSimulatedServer(
      id,
      serverIds,
      {
        share: (from, observation) =>
          toOthers(from, (server) => {
            server.give({ type: "observation", from, observation });
            server.weigh({ type: "view", from, observations: [observation] });
          }),
        publish: (from, members) => {
          for (const { member, state } of members) if (state === "down") everDown.add(member);
          toOthers(from, (server) => server.weigh({ type: "adopt", epoch: 1, members }));
        },
      },
      queue.now,
    ),
  );

  const every = (ms: number, run: () => void): void => {
    queue.add(queue.now() + ms, () => {
      run();
      every(ms, run);
    });
  };
  for (const server of servers) {
    queue.add(random.between(0, tickMs), () => every(tickMs, () => server.give({ type: "tick" })));
    queue.add(random.between(0, heartbeatMs), () => every(heartbeatMs, server.shareAll));
    for (const member of agents) server.give({ type: "hello", member, role: "agent", incarnation: life });
  }
  const beat = (member: string): void => {
    if (stopped.has(member)) return;
    for (const server of servers) {
      if (!random.chance(options.loss ?? 0)) {
        later(() => server.give({ type: "heartbeat", member, incarnation: life }));
      }
    }
  };
  for (const member of agents) {
    queue.add(random.between(0, heartbeatMs), () => every(heartbeatMs, () => beat(member)));
  }

  return {
    agents,
    now: queue.now,
    run: (ms) => queue.runUntil(queue.now() + ms, () => true),
    kill: (member) => {
      stopped.add(member);
      // No earlier than frames that were still on the way.
      for (const server of servers) {
        queue.add(queue.now() + random.between(4, 8), () =>
          server.give({ type: "close", member, incarnation: life }),
        );
      }
    },
    freeze: (member) => stopped.add(member),
    thaw: (member) => {
      stopped.delete(member);
      beat(member);
    },
    states: (member) => servers.map((server) => server.verdict.members.get(member)?.state),
    everDown: () => [...everDown],
  };
}

/** Virtual milliseconds from now until every server lists the member so; Infinity when not within 20 s. */
export function untilAllList(run: DetectionRun, member: string, state: LinkState): number {
  const start = run.now();
  while (run.now() < start + 20_000) {
    run.run(5);
    if (run.states(member).every((listed) => listed === state)) return run.now() - start;
  }
  return Number.POSITIVE_INFINITY;
}
