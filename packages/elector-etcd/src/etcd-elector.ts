import { randomUUID } from "node:crypto";
import {
  type AgreedView,
  type Elector,
  type ElectorView,
  type Epoch,
  type Generation,
  type MeshLog,
  neverAgreed,
  openGeneration,
  steadyTime,
} from "@ringrift/mesh";
import { errorText } from "@ringrift/protocol";
import { agreementError } from "./agreement-error.ts";
import { agreedAt, guardOf, outcomeOf } from "./core/etcd-agreed.ts";
import { type EtcdInput, step } from "./core/etcd-election.ts";
import { createEtcdElection, type EtcdElection, fresh, leaderAt, leaseHeld } from "./core/etcd-state.ts";
import { defaultEtcdTiming } from "./core/etcd-timing.ts";
import { EtcdError } from "./elector-error.ts";
import { checkEndpoints } from "./endpoints.ts";
import { type EtcdAccess, openAccess } from "./etcd-access.ts";
import { EtcdClient } from "./etcd-client.ts";
import { agreeQuestion, type EtcdKeys, keysOf, snapshotOf, watchOf, watchQuestion } from "./etcd-messages.ts";
import { EtcdRefusal } from "./etcd-refusal.ts";
import { type AskingEffect, questionOf } from "./question.ts";

const tickMs = 50;
/** After this an endpoint counts as silent and the next is asked. */
const timeoutMs = 700;
/** Longest wait at a stop for etcd to take the key back. */
const handOverMs = 500;
/** A watch whose connection died unseen lives no longer; the readings go on meanwhile. */
const watchMs = 30_000;

export interface EtcdElectorOptions {
  /** This server's voter id, one of `voters`. */
  readonly self: string;
  readonly voters: readonly string[];
  /** Clusters that share an etcd are told apart by it. */
  readonly clusterId: string;
  /** http:// or https:// URLs of etcd's clients' port. */
  readonly endpoints: readonly string[];
  /** User, certificate and authority; none, for an etcd that is open, when absent. */
  readonly access?: EtcdAccess;
  /** Where the generation is kept; the directory that the mesh is given. */
  readonly dataDir: string;
  readonly log: MeshLog;
}

/**
 * Leadership by a key in etcd: give it to `createMesh` as `elector`.
 *
 * @throws EtcdError `ETCD_ENDPOINTS` when an endpoint is no http(s) URL
 */
export function createEtcdElector(options: EtcdElectorOptions): EtcdElector {
  return new KeyedElector({ ...options, endpoints: checkEndpoints(options.endpoints) });
}

/** An elector whose way into etcd can be renewed. */
export interface EtcdElector extends Elector {
  /** Asks with another user, certificate and authority from now on. */
  renew(access: EtcdAccess): void;
}

class KeyedElector implements EtcdElector {
  readonly kind = "etcd";
  readonly #options: EtcdElectorOptions;
  readonly #keys: EtcdKeys;
  readonly #client: EtcdClient;
  readonly #ended = new AbortController();
  readonly #now = steadyTime();
  #state: EtcdElection | null = null;
  #generation: Generation | null = null;
  #timer: NodeJS.Timeout | null = null;
  #broken = false;
  #told = "";
  /** What etcd's failure was logged as; null while it answers. */
  #failed: EtcdError | null = null;
  #onChange: () => void = () => undefined;

  constructor(options: EtcdElectorOptions) {
    this.#options = options;
    this.#keys = keysOf(options.clusterId);
    const { endpoints, access = openAccess } = options;
    this.#client = new EtcdClient({ endpoints, access, timeoutMs, now: this.#now });
  }

  renew(access: EtcdAccess): void {
    this.#client.renew(access);
  }

  async start(onChange: () => void): Promise<void> {
    const { self, voters, dataDir } = this.#options;
    const generation = openGeneration(dataDir, this.kind);
    this.#generation = generation;
    this.#state = createEtcdElection(
      { self, voters, timing: defaultEtcdTiming, generation: generation.value, term: generation.term },
      this.#now(),
    );
    this.#onChange = onChange;
    this.#timer = setInterval(() => this.#step({ type: "tick" }), tickMs);
    this.#step({ type: "tick" });
    void this.#watch();
  }

  view(): ElectorView {
    const state = this.#state;
    const at = this.#now();
    const able = state !== null && this.#able();
    const leader = able ? leaderAt(state, at) : null;
    const lease = state?.lease ?? null;
    const answers = state !== null && fresh(state, at);
    return {
      leader,
      epoch: { generation: this.#generation?.value ?? 0, term: this.#generation?.term ?? 0 },
      quorum: { configured: true, held: answers, have: answers ? 1 : 0, need: 1 },
      leaseAgeMs: leader === this.#options.self && lease !== null ? at - lease.keptAt : null,
      detail: this.#detail(at),
    };
  }

  leaseHeld(): boolean {
    return this.#state !== null && this.#able() && leaseHeld(this.#state, this.#now());
  }

  agreed(): AgreedView {
    if (this.#state === null) return neverAgreed;
    const view = agreedAt(this.#state, this.#now());
    return this.#able() ? view : { ...view, confirmed: false };
  }

  async agree(value: string, over: string): Promise<AgreedView> {
    const state = this.#state;
    if (state === null || !this.#able()) throw agreementError("not_leader");
    const guard = guardOf(state, over, this.#now());
    if (typeof guard === "string") throw agreementError(guard);
    const id = randomUUID();
    const question = agreeQuestion(this.#keys, guard, { id, value });
    const { snapshot, sentAt, unanswered } = await this.#client
      .post("/v3/kv/txn", question, this.#ended.signal)
      .then(({ body, ...answer }) => ({ ...answer, snapshot: snapshotOf(body, true) }))
      .catch((error: unknown) => {
        throw agreementError("unknown", errorText(error));
      });
    this.#step({ type: "snapshot", call: "agree", snapshot, sentAt });
    const outcome = outcomeOf(snapshot, { guard, id, doubtful: unanswered > 0 });
    if (typeof outcome === "string") throw agreementError(outcome);
    return { value, stamp: `${state.generation}.${outcome}`, confirmed: true };
  }

  hearEpoch({ generation }: Epoch): void {
    const own = this.#generation;
    if (own === null || this.#broken) return;
    try {
      if (!own.hear(generation)) return;
    } catch (error) {
      this.#break(error);
      return;
    }
    if (own.overtakenBy === null) this.#step({ type: "told", generation });
    else {
      this.#options.log("error", "other servers use another elector; this one leads no more", {
        elector: this.kind,
        others: own.overtakenBy,
        nextStep: "Set the same RINGRIFT_ELECTOR on every server and restart this one.",
      });
      this.#step({ type: "resign" });
    }
  }

  async resign(): Promise<void> {
    const leads = this.leaseHeld();
    this.#step({ type: "resign" });
    const deadline = this.#now() + handOverMs;
    // A successor shows that etcd has the key back; without one there is nobody to wait for after that.
    while (leads && this.#state?.latest?.leader?.voter === this.#options.self && this.#now() < deadline)
      await pause(5);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#ended.abort();
    this.#client.close();
    this.#state = null;
  }

  #able(): boolean {
    return !this.#broken && this.#generation?.overtakenBy === null;
  }

  #step(input: EtcdInput): void {
    const state = this.#state;
    if (state === null || this.#broken) return;
    for (const effect of step(state, input, this.#now())) {
      if (effect.type === "revoke") this.#revoke(effect.lease);
      else if (effect.type !== "persist") this.#ask(effect);
      else if (!this.#persist(effect.generation, effect.term)) return;
    }
    const { leader, epoch } = this.view();
    const { stamp, confirmed } = this.agreed();
    const telling = `${leader} ${epoch.generation}.${epoch.term} ${stamp} ${confirmed}`;
    if (telling === this.#told) return;
    this.#told = telling;
    this.#onChange();
  }

  #persist(generation: number, term: number): boolean {
    try {
      this.#generation?.raise(generation);
      this.#generation?.noteTerm(term);
      return true;
    } catch (error) {
      this.#break(error);
      return false;
    }
  }

  #break(error: unknown): void {
    this.#broken = true;
    this.#options.log("error", "the epoch cannot be kept; this server leads no more until it is restarted", {
      dataDir: this.#options.dataDir,
      error: errorText(error),
      nextStep: "Make room on the disk of the data directory or make it writable, then restart this server.",
    });
    this.#onChange();
  }

  #ask(effect: AskingEffect): void {
    const { call, path, body, read } = questionOf(effect, this.#keys, this.#options.self);
    void this.#client
      .post(path, body, this.#ended.signal)
      .then((answer) => {
        this.#noteFailure(null);
        return read(answer.body, answer.sentAt);
      })
      .catch((error: unknown): EtcdInput => {
        this.#noteFailure(error);
        return { type: "failed", call, reason: errorText(error) };
      })
      .then((input) => this.#step(input));
  }

  /** Logs each kind of failure once, and that it is over. */
  #noteFailure(error: unknown): void {
    if (this.#ended.signal.aborted) return;
    const failed = error instanceof EtcdError ? error : null;
    if (failed?.code === this.#failed?.code) return;
    this.#failed = failed;
    const { log } = this.#options;
    if (failed === null) log("info", "etcd answers again", { endpoint: this.#client.endpoint });
    else
      log("error", "etcd cannot be asked", {
        error: failed.message,
        code: failed.code,
        nextStep: failed.nextStep,
      });
  }

  /** Its failure needs no answer: the lease runs out by itself. */
  #revoke(lease: string): void {
    this.#client.post("/v3/lease/revoke", { ID: lease }, this.#ended.signal).catch((error: unknown) =>
      this.#options.log("warn", "the lease was not given back; it runs out by itself", {
        error: errorText(error),
      }),
    );
  }

  /** Makes changes known at once; what it misses the readings bring. */
  async #watch(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      const one = new AbortController();
      const signals = [signal, one.signal, AbortSignal.timeout(watchMs)];
      await this.#client
        .stream("/v3/watch", watchQuestion(this.#keys), AbortSignal.any(signals), (line) => {
          const { began, over, change, agreed } = watchOf(line, this.#keys);
          if (began || agreed) this.#step({ type: "watching" });
          if (change !== null) this.#step({ type: "watched", ...change });
          if (over) one.abort();
        })
        .catch((error: unknown) => {
          if (!signal.aborted)
            this.#options.log("debug", "the watch of the leader's key ended", { error: errorText(error) });
        });
      await pause(defaultEtcdTiming.retryMs);
    }
  }

  #detail(at: number): string {
    const state = this.#state;
    if (this.#broken) return "this server cannot keep its epoch on disk and leads no more";
    const overtakenBy = this.#generation?.overtakenBy ?? null;
    if (overtakenBy !== null) return `other servers have moved on to the elector ${overtakenBy}`;
    if (state === null) return "not started";
    if (!fresh(state, at) && this.#failed instanceof EtcdRefusal)
      return `etcd refuses this server: ${this.#failed.message}`;
    if (!fresh(state, at)) {
      const age = Number.isFinite(state.answeredAt)
        ? `for ${((at - state.answeredAt) / 1000).toFixed(1)} s`
        : "yet";
      return `etcd has not answered ${age}${state.failure === null ? "" : `: ${state.failure}`}`;
    }
    const named = state.latest?.leader?.voter ?? null;
    if (state.latest?.agreed?.stored === "unreadable")
      return `etcd has a value that is none of the servers' in /ringrift/${this.#options.clusterId}/agreed: delete that key, and say anew what was agreed`;
    if (named !== null && !state.voters.includes(named))
      return `etcd names "${named}", which is none of the servers`;
    return `etcd answers at ${this.#client.endpoint}`;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
