import { type AgreedStamp, type ElectionMessage, errorText } from "@ringrift/protocol";
import { type AgreedView, neverAgreed } from "./agreed.ts";
import {
  createElection,
  type ElectionEffect,
  type ElectionInput,
  type ElectionState,
  leaseHeld,
  mayWrite,
  type PersistedVote,
  step,
} from "./core/election.ts";
import type { ElectionTiming } from "./core/election-timing.ts";
import type { ElectorKind, Epoch } from "./core/epoch.ts";
import { createNewcomer, firstTermAt, meet, missing, type Newcomer } from "./core/newcomer.ts";
import { countQuorum, majority, type Quorum } from "./core/quorum.ts";
import type { Elector, ElectorView } from "./elector.ts";
import { type Generation, openGeneration } from "./generation.ts";
import type { MeshLog } from "./mesh.ts";
import { MeshError } from "./mesh-error.ts";
import { openVoteFile, type VoteFile } from "./vote-file.ts";
import { openVotersFile, type VotersFile } from "./voters-file.ts";

/** Longest wait at a stop for another server to take the lead. */
const handOverMs = 300;

export interface MeshElectorOptions {
  readonly self: string;
  readonly voters: readonly string[];
  readonly dataDir: string;
  readonly timing: ElectionTiming;
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  readonly random: () => number;
  readonly send: (to: string, message: ElectionMessage) => void;
  readonly log: MeshLog;
}

/**
 * Votes over the mesh, and leads alone where there is one voter. It drives the election's core: persists before it sends,
 * and falls silent for good when it cannot persist.
 */
export class MeshElector implements Elector {
  readonly kind: ElectorKind;
  readonly #options: MeshElectorOptions;
  readonly #linked = new Set<string>();
  #voting: Voting | null = null;
  #write: PendingWrite | null = null;
  #broken = false;
  #onChange: () => void = () => undefined;

  constructor(options: MeshElectorOptions) {
    this.#options = options;
    this.kind = options.voters.length === 1 ? "standalone" : "mesh";
  }

  /** @throws MeshError when a file is unusable; VotersError when the voters are. */
  async start(onChange: () => void): Promise<void> {
    const { self, voters, dataDir, timing, now, wallMs } = this.#options;
    const voteFile = openVoteFile(dataDir, self);
    const vote = voteFile.read();
    const votersFile = openVotersFile(dataDir, self, voters);
    const voting = { voteFile, votersFile, generation: openGeneration(dataDir, this.kind) };
    this.#onChange = onChange;
    if (vote === null) {
      const firstTerm = firstTermAt(wallMs());
      const newcomer = createNewcomer({ self, voters, timing, firstTerm }, now());
      this.#voting = { ...voting, state: null, newcomer };
    } else this.#voting = { ...voting, state: this.#election(vote, now()), newcomer: null };
  }

  #election(vote: PersistedVote, startedAt: number): ElectionState {
    const { self, voters, timing, random } = this.#options;
    return createElection({ self, voters, timing, random }, vote, startedAt);
  }

  tick(): void {
    this.#step({ type: "tick" });
  }

  receive(from: string, message: ElectionMessage): void {
    this.#step({ type: "message", from, message });
  }

  linkUp(peer: string): void {
    this.#linked.add(peer);
    this.#step({ type: "link", peer, up: true });
  }

  /** `refused`: the peer's host answered a redial with "connection refused". */
  linkDown(peer: string, refused: boolean): void {
    this.#linked.delete(peer);
    this.#step({ type: "link", peer, up: false, refused });
  }

  view(): ElectorView {
    const state = this.#able()?.state ?? null;
    const leader = state?.leaderId ?? null;
    const { self, voters } = this.#options;
    const quorum = countQuorum(voters, [self, ...this.#linked]);
    // A follower trusts its leader to step down without a majority; a leader sees at once that its links are gone.
    const known = leader !== null && (leader === self ? quorum.held : this.#linked.has(leader));
    return {
      leader: known ? leader : null,
      epoch: {
        generation: this.#voting?.generation.value ?? 0,
        term: this.#voting?.state?.term ?? 0,
      },
      quorum,
      leaseAgeMs: state === null ? null : leaseAgeMs(state, this.#options.now()),
      detail: this.#detail(quorum),
    };
  }

  leaseHeld(): boolean {
    const state = this.#able()?.state ?? null;
    return state !== null && this.view().quorum.held && leaseHeld(state, this.#options.now());
  }

  agreed(): AgreedView {
    const state = this.#voting?.state ?? null;
    if (state === null) return neverAgreed;
    const { copy, confirmed } = state;
    // A leader sends its copy with its first word, so who follows one and has none knows that there is none.
    const known = this.view().leader !== null && (confirmed || copy.term === 0);
    return { value: copy.value, stamp: stampText(copy), confirmed: known };
  }

  async agree(value: string, over: string): Promise<AgreedView> {
    const state = this.#able()?.state ?? null;
    const now = this.#options.now();
    if (state === null || !this.leaseHeld() || !mayWrite(state, now))
      throw new MeshError("This server does not hold the leader's lease; nothing was changed.", {
        code: "NO_LEADER",
        nextStep: "Try again in a moment.",
      });
    if (stampText(state.copy) !== over)
      throw new MeshError(
        `The agreed value is that of ${stampText(state.copy)} by now; nothing was changed.`,
        {
          code: "AGREED_MOVED",
          nextStep: "Look at the newer value first.",
        },
      );
    const { term } = state;
    const outcome = new Promise<AgreedView>((resolve, reject) => {
      this.#write = { term, version: state.copy.version + 1, resolve, reject };
    });
    this.#step({ type: "write", value });
    return outcome;
  }

  hearEpoch({ generation }: Epoch): void {
    const own = this.#voting?.generation;
    if (own === undefined || this.#broken) return;
    try {
      if (!own.hear(generation)) return;
    } catch (error) {
      this.#break("the generation cannot be kept", error);
      return;
    }
    const { overtakenBy } = own;
    if (overtakenBy !== null) {
      this.#options.log("error", "other servers use another elector; this one neither votes nor leads", {
        elector: this.kind,
        others: overtakenBy,
        nextStep: "Set the same RINGRIFT_ELECTOR on every server and restart this one.",
      });
    }
    this.#onChange();
  }

  async resign(): Promise<void> {
    const { self, now } = this.#options;
    const leads = (): boolean => this.#able()?.state?.leaderId === self;
    if (!leads() || this.#linked.size === 0) return;
    this.#step({ type: "transfer" });
    const deadline = now() + handOverMs;
    // The heir needs this server's vote, which it would not get from one that is gone.
    const succeeded = (): boolean => !leads() && (this.#able()?.state?.leaderId ?? null) !== null;
    while (!succeeded() && now() < deadline) await pause(5);
  }

  async stop(): Promise<void> {
    this.#voting = null;
    this.#settleWrite();
  }

  /** What this server votes with; null before the start and when it may not vote. */
  #able(): Voting | null {
    if (this.#voting === null || this.#broken) return null;
    return this.#voting.generation.overtakenBy === null ? this.#voting : null;
  }

  #step(input: ElectionInput): void {
    const voting = this.#able();
    if (voting === null) return;
    const now = this.#options.now();
    if (voting.newcomer === null) {
      this.#carryOut(step(voting.state, input, now), voting);
      this.#settleWrite();
    } else if (input.type === "tick" || input.type === "message")
      this.#carryOut(meet(voting.newcomer, input, now), voting);
  }

  #carryOut(effects: readonly ElectionEffect[], voting: Voting): void {
    for (const effect of effects) {
      try {
        if (effect.type === "persist") voting.voteFile.write(withoutType(effect));
        if (effect.type === "role" && effect.leaderId !== null) voting.votersFile.noteInForce();
      } catch (error) {
        this.#break("the vote cannot be kept", error);
        return;
      }
      if (effect.type === "send") this.#options.send(effect.to, effect.message);
      else if (effect.type !== "persist") this.#onChange();
      else if (voting.newcomer !== null) this.#join(withoutType(effect));
    }
  }

  /** Tells the writer what has become of its value, as soon as that is known. */
  #settleWrite(): void {
    if (this.#write === null) return;
    const { term, version, resolve, reject } = this.#write;
    const state = this.#able()?.state ?? null;
    const leads = state !== null && state.role === "leader" && state.term === term;
    if (leads && !state.confirmed && state.copy.version === version) return;
    this.#write = null;
    if (leads && state.confirmed && state.copy.version === version)
      resolve({ ...this.agreed(), confirmed: true });
    else
      reject(
        new MeshError(
          "Whether the servers agreed is not known: this server lost the lead before a majority had answered.",
          {
            code: "NOT_AGREED",
            nextStep: "Look whether it took effect before you ask again.",
          },
        ),
      );
  }

  /** A newcomer has heard enough to be a voter like the others. */
  #join(vote: PersistedVote): void {
    if (this.#voting === null || this.#voting.newcomer === null) return;
    const { newcomer, ...files } = this.#voting;
    // Its first campaign is due as if it had been a voter since its start.
    this.#voting = { ...files, state: this.#election(vote, newcomer.bornAt), newcomer: null };
    this.#options.log("info", "this server votes from now on", { term: vote.term });
    // A single voter leads at once.
    this.tick();
  }

  #break(what: string, error: unknown): void {
    this.#broken = true;
    const { dataDir, log } = this.#options;
    log("error", `${what}; this server votes no more until it is restarted`, {
      dataDir,
      error: errorText(error),
      nextStep: "Make room on the disk of the data directory or make it writable, then restart this server.",
    });
    this.#onChange();
  }

  #detail({ have, need }: Quorum): string {
    if (this.#broken) return "this server cannot keep its vote on disk and votes no more";
    const overtakenBy = this.#voting?.generation.overtakenBy ?? null;
    if (overtakenBy !== null) return `other servers have moved on to the elector ${overtakenBy}`;
    const unheard = this.#voting?.newcomer ? missing(this.#voting.newcomer) : 0;
    if (unheard > 0)
      return `this server has no vote on disk and votes once it has heard from ${unheard} more voters`;
    return `${have} of ${this.#options.voters.length} voters reachable, ${need} needed`;
  }
}

interface PendingWrite extends AgreedStamp {
  readonly resolve: (agreed: AgreedView) => void;
  readonly reject: (error: MeshError) => void;
}

function withoutType({ type: _, ...vote }: PersistedVote & { readonly type: "persist" }): PersistedVote {
  return vote;
}

function stampText({ term, version }: AgreedStamp): string {
  return `${term}.${version}`;
}

type Voting = {
  readonly voteFile: VoteFile;
  readonly votersFile: VotersFile;
  readonly generation: Generation;
} & (
  | { readonly state: ElectionState; readonly newcomer: null }
  | { readonly state: null; readonly newcomer: Newcomer }
);

/** Leader: age of the newest heartbeat that a majority acknowledged; null for others and before the first. */
function leaseAgeMs({ role, self, voters, acked }: ElectionState, now: number): number | null {
  if (role !== "leader") return null;
  const newestFirst = voters
    .map((id) => (id === self ? now : (acked.get(id) ?? Number.NEGATIVE_INFINITY)))
    .sort((a, b) => b - a);
  const at = newestFirst[majority(voters.length) - 1] ?? Number.NEGATIVE_INFINITY;
  return Number.isFinite(at) ? now - at : null;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
