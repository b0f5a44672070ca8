import { type Program, startCommand, waitFor } from "@ringrift/e2e/program";
import { anyMoment, Moment, sleep } from "./timed.ts";

/**
 * Agents of serf on 127.0.0.1 and up; what they say of one another is read from their logs as it is written.
 * A signal to one of them, and the seconds until all others say "failed".
 */
export async function serfDetection(
  members: number,
  profile: "lan" | "local",
  signal: "SIGKILL" | "SIGSTOP",
  runs: number,
): Promise<number[]> {
  const agents = Array.from({ length: members }, (_, index) => new SerfAgent(index + 1, profile));
  try {
    for (const agent of agents) {
      agent.start();
      await sleep(60);
    }
    await allSee(agents, agents, "Join");
    await sleep(2_000);
    const seconds: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const victim = agents[1 + (run % (members - 1))];
      if (victim === undefined) throw new Error("no agent");
      const others = agents.filter((agent) => agent !== victim);
      await anyMoment();
      const moment = new Moment(`serf to list ${victim.name} as failed`);
      for (const agent of others) {
        agent.onEvent = () => {
          if (others.every((other) => other.seen.get(victim.name) === "Failed")) moment.done();
        };
      }
      const from = performance.now();
      victim.program?.process.kill(signal);
      seconds.push(((await moment.reached) - from) / 1000);
      if (signal === "SIGSTOP") victim.program?.process.kill("SIGCONT");
      else victim.start();
      await allSee(others, [victim], "Join");
      await allSee([victim], others, "Join");
    }
    return seconds;
  } finally {
    await Promise.all(agents.map((agent) => agent.stop()));
  }
}

class SerfAgent {
  readonly name: string;
  readonly seen = new Map<string, string>();
  readonly #address: string;
  readonly #args: readonly string[];
  program: Program | null = null;
  onEvent: () => void = () => undefined;

  constructor(index: number, profile: string) {
    this.name = `n${index}`;
    this.#address = `127.0.0.${index}`;
    this.#args = [
      ...["agent", `-node=${this.name}`, `-profile=${profile}`, "-log-level=info"],
      ...[`-bind=${this.#address}:7946`, `-rpc-addr=${this.#address}:7373`],
      index === 1 ? "-retry-join=127.0.0.2:7946" : "-join=127.0.0.1:7946",
    ];
  }

  start(): void {
    this.seen.clear();
    const program = startCommand("serf", this.#args, {});
    program.onLine((line) => {
      const [, event, name] = /EventMember(Join|Failed|Leave|Reap): (n\d+)/.exec(line) ?? [];
      if (event === undefined || name === undefined) return;
      this.seen.set(name, event);
      this.onEvent();
    });
    this.program = program;
  }

  async stop(): Promise<void> {
    await this.program?.kill("SIGKILL");
  }
}

async function allSee(
  observers: readonly SerfAgent[],
  subjects: readonly SerfAgent[],
  event: string,
): Promise<void> {
  await waitFor(
    `serf to say ${event}`,
    async () => {
      const all = observers.every((observer) =>
        subjects.every((subject) => subject === observer || observer.seen.get(subject.name) === event),
      );
      return all ? true : null;
    },
    60_000,
  );
}
