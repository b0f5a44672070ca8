import type { LinkState } from "@ringrift/protocol";
import { firstFence } from "../core/fence.ts";
import type { Incarnation } from "../core/member.ts";
import { defaultSuspicionTiming, pulsesPerHeartbeat } from "../core/suspicion.ts";
import { createEventQueue } from "./event-queue.ts";
import type { Fact } from "./invariant.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { createSimulatedServer, type SimulatedServer } from "./simulated-server.ts";

export interface DetectionOptions {
  readonly seed: number;
  readonly servers: number;
  readonly agents: number;
  /** Hears what servers list and what befalls agents. */
  readonly see?: (fact: Fact) => void;
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
  /** A process that was killed, or left, starts anew and dials every server; `wallMs` is what its clock says. */
  readonly restart: (agent: string, wallMs: number) => void;
  readonly leave: (agent: string) => void;
  /** Share of agents' signs of life that never arrive, and of frames between servers that arrive late, from now on. */
  readonly setLoss: (loss: number) => void;
  /** The server's own loop is stuck for so long: it misses what agents send. */
  readonly stall: (server: string, ms: number) => void;
  /** What each server lists it as. */
  readonly states: (agent: string) => readonly (LinkState | undefined)[];
  /** Agents that any server has listed down, ever. */
  readonly everDown: () => readonly string[];
  readonly agents: readonly string[];
  readonly servers: readonly SimulatedServer[];
}

interface Agent {
  readonly id: string;
  life: Incarnation;
  running: boolean;
  /** Whether its links are open: they outlive a stop, not a death. */
  linked: boolean;
  pulseAt: number;
}

const { heartbeatMs } = defaultSuspicionTiming;
const pulseMs = heartbeatMs / pulsesPerHeartbeat;
const serverTickMs = 100;

export function createDetectionRun(options: DetectionOptions): DetectionRun {
  const random = createSeededRandom(options.seed);
  const queue = createEventQueue();
  const see = options.see ?? (() => {});
  const serverIds = Array.from({ length: options.servers }, (_, index) => `s${index + 1}`);
  const agents = new Map<string, Agent>();
  const everDown = new Set<string>();
  const stuckUntil = new Map<string, number>();
  let loss = 0;

  const later = (run: () => void): void => queue.add(queue.now() + random.between(0.2, 4), run);
  const isStuck = (server: SimulatedServer): boolean => queue.now() < (stuckUntil.get(server.id) ?? 0);
  const arriveAt = new Map<string, number>();
  // Between servers a lost frame comes late, and all after it come later still: their links keep the order.
  const toOthers = (from: string, run: (server: SimulatedServer) => void): void => {
    for (const server of servers) {
      if (server.id === from) continue;
      const way = `${from}>${server.id}`;
      const delayMs = random.chance(loss) ? random.between(200, 1_500) : random.between(0.2, 4);
      const at = Math.max(arriveAt.get(way) ?? 0, queue.now() + delayMs);
      arriveAt.set(way, at);
      queue.add(at, () => run(server));
    }
  };
  const listed = (server: string, member: string, state: LinkState): void => {
    const agent = agents.get(member);
    if (state === "down") everDown.add(member);
    see({ type: "listed", at: queue.now(), server, member, state, live: agent?.linked === true });
  };
  const servers: SimulatedServer[] = serverIds.map((id) =>
    createSimulatedServer(
      id,
      serverIds,
      {
        share: (from, told) => toOthers(from, (server) => server.hear(from, told)),
        publish: (from, members) =>
          toOthers(from, (server) => server.weigh({ type: "adopt", epoch: firstFence, members })),
        changed: (from, members) => {
          for (const { member, state } of members) listed(from, member, state);
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
    queue.add(random.between(0, serverTickMs), () =>
      every(serverTickMs, () => {
        if (!isStuck(server)) server.give({ type: "tick" });
      }),
    );
    queue.add(random.between(0, heartbeatMs), () =>
      every(heartbeatMs, () => {
        if (!isStuck(server)) server.shareAll();
      }),
    );
  }

  const beat = (agent: Agent): void => {
    const { id: member, life: incarnation } = agent;
    for (const server of servers)
      if (!random.chance(loss) && !isStuck(server)) server.give({ type: "heartbeat", member, incarnation });
  };
  const pulse = (agent: Agent): void => {
    if (queue.now() < agent.pulseAt) return;
    agent.pulseAt = queue.now() + pulseMs;
    if (agent.running) beat(agent);
    queue.add(agent.pulseAt, () => pulse(agent));
  };
  const dial = (agent: Agent): void => {
    agent.running = true;
    agent.linked = true;
    const { id: member, life: incarnation } = agent;
    for (const server of servers)
      later(() => {
        if (agent.linked && agent.life === incarnation)
          server.give({ type: "hello", member, role: "agent", incarnation });
      });
  };
  const byId = (id: string): Agent => {
    const agent = agents.get(id);
    if (agent === undefined) throw new RangeError(`There is no agent ${id}.`);
    return agent;
  };
  const end = (agent: Agent, type: "close" | "leave"): void => {
    agent.running = false;
    agent.linked = false;
    const { id: member, life: incarnation } = agent;
    // No earlier than frames that were still on the way.
    for (const server of servers)
      queue.add(queue.now() + random.between(4, 8), () => server.give({ type, member, incarnation }));
  };

  for (let index = 1; index <= options.agents; index += 1) {
    const agent: Agent = {
      id: `n${index}`,
      life: { boot: 1, counter: 0 },
      running: true,
      linked: true,
      pulseAt: random.between(0, pulseMs),
    };
    agents.set(agent.id, agent);
    for (const server of servers)
      server.give({ type: "hello", member: agent.id, role: "agent", incarnation: agent.life });
    queue.add(agent.pulseAt, () => pulse(agent));
  }

  return {
    agents: [...agents.keys()],
    servers,
    now: queue.now,
    run: (ms) => queue.runUntil(queue.now() + ms, () => true),
    kill: (id) => end(byId(id), "close"),
    freeze: (id) => {
      byId(id).running = false;
    },
    thaw: (id) => {
      const agent = byId(id);
      agent.running = agent.linked;
      if (agent.running) queue.add(queue.now() + random.between(0, 5), () => beat(agent));
    },
    restart: (id, wallMs) => {
      const agent = byId(id);
      // As the incarnation file has it: later than the life before, whatever the clock says.
      agent.life = { boot: Math.max(agent.life.boot + 1, Math.floor(wallMs)), counter: 0 };
      dial(agent);
    },
    leave: (id) => end(byId(id), "leave"),
    setLoss: (share) => {
      loss = share;
    },
    stall: (id, ms) => {
      stuckUntil.set(id, queue.now() + ms);
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
