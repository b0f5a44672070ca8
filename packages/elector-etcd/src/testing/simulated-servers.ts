import { agreedAt, guardOf, outcomeOf } from "../core/etcd-agreed.ts";
import { type EtcdEffect, type EtcdInput, step } from "../core/etcd-election.ts";
import { createEtcdElection, type EtcdElection, leaderAt, leaseHeld } from "../core/etcd-state.ts";
import { defaultEtcdTiming } from "../core/etcd-timing.ts";
import { ModelEtcd } from "./model-etcd.ts";

const questionTimeoutMs = 700;

interface SimulatedServer {
  readonly id: string;
  state: EtcdElection;
  /** How fast its clock runs. */
  readonly rate: number;
  /** Frozen until this true time. */
  frozenUntil: number;
  persisted: { generation: number; term: number };
}

export type Outcome = "written" | "not_leader" | "moved" | "unknown";

interface Faults {
  /** Share of questions and of answers that are lost, each. */
  readonly loss: number;
  readonly slowestMs: number;
}

/** Several servers and one model of etcd in virtual time; every run follows from its random source. */
export class SimulatedServers {
  readonly etcd: ModelEtcd = new ModelEtcd();
  readonly servers: readonly SimulatedServer[];
  readonly #random: () => number;
  readonly #queue: { readonly at: number; readonly run: () => void }[] = [];
  faults: Faults;
  /** While true etcd answers nothing. */
  silent: boolean = false;
  now: number = 0;

  constructor(count: number, random: () => number, faults: Faults) {
    this.#random = random;
    this.faults = faults;
    const ids = Array.from({ length: count }, (_, index) => `v${index + 1}`);
    this.servers = ids.map((id) => ({
      id,
      rate: 0.92 + 0.16 * random(),
      frozenUntil: 0,
      persisted: { generation: 2, term: 0 },
      state: createEtcdElection(
        { self: id, voters: ids, timing: defaultEtcdTiming, generation: 2, term: 0 },
        0,
      ),
    }));
    this.etcd.onChange = (revision, leader) => {
      for (const server of this.servers)
        this.#later(() => this.#feed(server, { type: "watched", revision, leader }));
    };
    this.etcd.onAgreed = () => {
      for (const server of this.servers) this.#later(() => this.#feed(server, { type: "watching" }));
    };
  }

  clock(server: SimulatedServer): number {
    return this.now * server.rate;
  }

  /** Who may act at this instant. A frozen server acts when it goes on, so it counts as well. */
  holders(): SimulatedServer[] {
    return this.servers.filter((server) => leaseHeld(server.state, this.clock(server)));
  }

  leaders(): (string | null)[] {
    return this.servers.map((server) => leaderAt(server.state, this.clock(server)));
  }

  /** Starts a server anew with what it had on disk. */
  restart(server: SimulatedServer): void {
    const { self, voters, timing } = server.state;
    server.state = createEtcdElection({ self, voters, timing, ...server.persisted }, this.clock(server));
  }

  /**
   * Adds a word to what was agreed, as a leader does; the question may be lost or repeated on its way, and a frozen server
   * sends it late. `end` is called once, with what became of it.
   */
  append(server: SimulatedServer, word: string, end: (outcome: Outcome) => void): void {
    const { state } = server;
    const at = this.clock(server);
    const { value, stamp } = agreedAt(state, at);
    const guard = guardOf(state, stamp, at);
    if (typeof guard === "string") {
      end(guard);
      return;
    }
    const attempt = (tried: number): void => {
      const sentAt = this.clock(server);
      const answerLost = this.#random() < this.faults.loss;
      if (this.silent || this.#random() < this.faults.loss) {
        this.#later(() => (tried === 0 ? attempt(1) : end("unknown")), questionTimeoutMs);
        return;
      }
      this.#later(
        () => {
          const snapshot = this.etcd.agree(guard, { id: word, value: `${value}${word} ` }, this.now);
          if (answerLost) {
            this.#later(() => (tried === 0 ? attempt(1) : end("unknown")), questionTimeoutMs);
            return;
          }
          this.#feed(server, { type: "snapshot", call: "agree", snapshot, sentAt }, state);
          const outcome = outcomeOf(snapshot, { guard, id: word, doubtful: tried > 0 });
          end(typeof outcome === "number" ? "written" : outcome);
        },
        Math.max(0, server.frozenUntil - this.now) + this.#random() * this.faults.slowestMs,
      );
    };
    attempt(0);
  }

  resign(server: SimulatedServer): void {
    this.#feed(server, { type: "resign" });
  }

  hear(server: SimulatedServer, generation: number): void {
    this.#feed(server, { type: "told", generation });
  }

  /** Runs until `until`, 50 ms at a time, and calls `check` after every event. */
  run(until: number, check: () => void = () => undefined): void {
    while (this.now < until) {
      const tickAt = this.now + 50;
      for (;;) {
        const due = this.#queue.filter(({ at }) => at <= tickAt).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        this.#queue.splice(this.#queue.indexOf(due), 1);
        this.now = Math.max(this.now, due.at);
        due.run();
        check();
      }
      this.now = tickAt;
      this.etcd.read(this.now);
      for (const server of this.servers) {
        this.#feed(server, { type: "tick" });
        check();
      }
    }
  }

  #feed(server: SimulatedServer, input: EtcdInput, state = server.state): void {
    // An answer to an earlier life comes to nobody.
    if (state !== server.state) return;
    if (this.now < server.frozenUntil) {
      if (input.type !== "tick")
        this.#queue.push({ at: server.frozenUntil, run: () => this.#feed(server, input, state) });
      return;
    }
    for (const effect of step(server.state, input, this.clock(server))) this.#carryOut(server, effect);
  }

  #carryOut(server: SimulatedServer, effect: EtcdEffect): void {
    const { state } = server;
    const sentAt = this.clock(server);
    if (effect.type === "persist") {
      server.persisted = { generation: effect.generation, term: effect.term };
      return;
    }
    if (effect.type === "revoke") {
      this.#later(() => this.etcd.revoke(effect.lease, this.now));
      return;
    }
    const call = effect.type === "write_generation" ? "generation" : effect.type;
    const fail: EtcdInput = { type: "failed", call, reason: "lost" };
    const answer = (input: EtcdInput): void => {
      if (this.#random() < this.faults.loss)
        this.#later(() => this.#feed(server, fail, state), questionTimeoutMs);
      else this.#later(() => this.#feed(server, input, state));
    };
    if (this.silent || this.#random() < this.faults.loss) {
      this.#later(() => this.#feed(server, fail, state), questionTimeoutMs);
      return;
    }
    this.#later(() => answer(this.#ask(server, effect, sentAt) ?? fail));
  }

  #ask(
    server: SimulatedServer,
    effect: Exclude<EtcdEffect, { type: "persist" | "revoke" }>,
    sentAt: number,
  ): EtcdInput | null {
    switch (effect.type) {
      case "read":
        return { type: "snapshot", call: "read", snapshot: this.etcd.read(this.now, effect.whole), sentAt };
      case "grant":
        return { type: "granted", ...this.etcd.grant(effect.ttlMs, this.now), sentAt };
      case "keep":
        return { type: "kept", ...this.etcd.keep(effect.lease, this.now), sentAt };
      case "campaign": {
        const { lease, generationRevision } = effect;
        const snapshot = this.etcd.campaign(server.id, lease, generationRevision, this.now);
        return snapshot === null ? null : { type: "snapshot", call: "campaign", snapshot, sentAt };
      }
      case "write_generation": {
        const snapshot = this.etcd.writeGeneration(effect.value, effect.modRevision, this.now);
        return { type: "snapshot", call: "generation", snapshot, sentAt };
      }
    }
  }

  #later(run: () => void, afterMs = this.#random() * this.faults.slowestMs): void {
    this.#queue.push({ at: this.now + afterMs, run });
  }
}
