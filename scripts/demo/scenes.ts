import { rmSync, writeFileSync } from "node:fs";
import type { GpuHost } from "./gpu-host.ts";
import type { Program } from "./program.ts";

/** A host that can be played with: its agent, and what the agent sees. */
export interface Actor {
  readonly agent: Program;
  readonly host: GpuHost;
  readonly agentUrl: string;
  /** While this file exists, the host's trainer fails. */
  readonly trainerFails: string;
}

export interface Stage {
  readonly servers: readonly Program[];
  /** At least ten. */
  readonly actors: readonly Actor[];
  /** The server that leads now; null when nobody answers or nobody leads. */
  leader(): Promise<Program | null>;
}

/** One fault and its end. */
export interface Scene {
  readonly title: string;
  /** What to look for, in the words of the page. */
  readonly watch: string;
  readonly seconds: number;
  /** How it ends. */
  readonly over: string;
  /** Makes the fault; returns how to end it. */
  begin(stage: Stage): Promise<() => Promise<void> | void> | (() => Promise<void> | void);
}

function actor({ actors }: Stage, number: number): Actor {
  const found = actors[number - 1];
  if (found === undefined) throw new RangeError(`there is no host ${number}`);
  return found;
}

/** In the order in which they are played, over and over. */
export const scenes: readonly Scene[] = [
  {
    title: "gpu-03: GPU 5 falls off the bus (Xid 79)",
    watch: "gpu-03 turns unhealthy with 7/8 GPUs; the kernel log says which one",
    seconds: 25,
    over: "the host is rebooted",
    begin: (stage) => {
      const { host } = actor(stage, 3);
      host.xid(5, 79, "pid=4242, name=python3, GPU has fallen off the bus.");
      host.change(5, { present: false });
      return () => host.reloadDriver();
    },
  },
  {
    title: "gpu-04: nvidia-smi hangs",
    watch: "gpu-04's GPUs turn unknown, never 0 %",
    seconds: 45,
    over: "nvidia-smi answers again",
    begin: (stage) => {
      const { host } = actor(stage, 4);
      host.answer("hang");
      return () => host.answer("ok");
    },
  },
  {
    title: "gpu-05: the agent freezes (SIGSTOP)",
    watch: "gpu-05 is suspect after 3 s, down after 4.5 s, and back when it wakes",
    seconds: 15,
    over: "it goes on",
    begin: (stage) => {
      const { agent } = actor(stage, 5);
      agent.signal("SIGSTOP");
      return () => agent.signal("SIGCONT");
    },
  },
  {
    title: "The leader is killed (SIGKILL)",
    watch: "another server leads within half a second; the quorum holds, 2 of 3",
    seconds: 20,
    over: "it is started again",
    begin: async (stage) => {
      const leader = await stage.leader();
      await leader?.kill();
      return () => leader?.start();
    },
  },
  {
    title: "gpu-01: its trainer crash-loops",
    watch:
      "the daemon's restarts grow, its delays too; five deaths in two minutes make it degraded, and the pipeline pauses",
    seconds: 40,
    over: "the trainer runs again",
    begin: (stage) => {
      const { trainerFails, agentUrl } = actor(stage, 1);
      writeFileSync(trainerFails, "");
      return async () => {
        rmSync(trainerFails, { force: true });
        // It would be tried again by itself, but only minutes later.
        await fetch(`${agentUrl}/v1/daemons/trainer/restart`, { method: "POST" });
      };
    },
  },
  {
    title: "gpu-06: GPU 2 overheats",
    watch: "gpu-06 is degraded: warm, then at its slowdown limit",
    seconds: 30,
    over: "it cools down",
    begin: (stage) => {
      const { host } = actor(stage, 6);
      host.change(2, { celsius: 86 });
      return () => host.change(2, { celsius: 57 });
    },
  },
  {
    title: "gpu-07 to gpu-10 vanish at once, as with a switch",
    watch: "a third of the agents suspect at once: the status says so, and nobody is declared down",
    seconds: 20,
    over: "the switch is back",
    begin: (stage) => {
      const vanished = [7, 8, 9, 10].map((number) => actor(stage, number).agent);
      for (const agent of vanished) agent.signal("SIGSTOP");
      return () => {
        for (const agent of vanished) agent.signal("SIGCONT");
      };
    },
  },
  {
    title: "Two of three servers are killed",
    watch: "the quorum is lost: the last server says so, names no leader and declares nobody down",
    seconds: 20,
    over: "they are started again",
    begin: async ({ servers }) => {
      const killed = servers.slice(1);
      await Promise.all(killed.map((server) => server.kill()));
      return () => {
        for (const server of killed) server.start();
      };
    },
  },
];
