import { errorText } from "@ringrift/protocol";
import {
  createElection,
  defaultElectionTiming,
  type ElectionInput,
  type ElectionMessage,
  type ElectionState,
  leaseHeld,
  step,
} from "./core/election.ts";
import { majority } from "./core/quorum.ts";
import type { MeshLog } from "./mesh.ts";
import type { VoteFile } from "./vote-file.ts";

export interface ElectorOptions {
  readonly self: string;
  readonly voters: readonly string[];
  readonly voteFile: VoteFile;
  readonly now: () => number;
  readonly random: () => number;
  readonly send: (to: string, message: ElectionMessage) => void;
  readonly onChange: () => void;
  readonly log: MeshLog;
}

/** Drives the election's core: persists before it sends, and falls silent for good when it cannot persist. */
export class Elector {
  readonly #options: ElectorOptions;
  readonly #state: ElectionState;
  #broken = false;

  /** @throws MeshError when the vote file is unusable; VotersError when the voters are. */
  constructor(options: ElectorOptions) {
    this.#options = options;
    const { self, voters, random } = options;
    const persisted = options.voteFile.read();
    this.#state = createElection(
      { self, voters, timing: defaultElectionTiming, random },
      persisted,
      options.now(),
    );
  }

  step(input: ElectionInput): void {
    if (this.#broken) return;
    for (const effect of step(this.#state, input, this.#options.now())) {
      if (effect.type === "persist") {
        try {
          this.#options.voteFile.write({ term: effect.term, votedFor: effect.votedFor });
        } catch (error) {
          this.#broken = true;
          const path = this.#options.voteFile.path;
          this.#options.log(
            "error",
            "the vote cannot be kept; this server votes no more until it is restarted",
            {
              path,
              error: errorText(error),
            },
          );
          this.#options.onChange();
          return;
        }
      } else if (effect.type === "send") this.#options.send(effect.to, effect.message);
      else this.#options.onChange();
    }
  }

  get term(): number {
    return this.#state.term;
  }

  /** Voter id of the leader that this server follows or is; null when it knows none. */
  get leader(): string | null {
    return this.#broken ? null : this.#state.leaderId;
  }

  get leads(): boolean {
    return !this.#broken && this.#state.role === "leader";
  }

  /** Whether a privileged act may start at this very moment. */
  leaseHeld(): boolean {
    return !this.#broken && leaseHeld(this.#state, this.#options.now());
  }

  /** Leader: age of the newest heartbeat that a majority acknowledged; null for others and before the first. */
  leaseAgeMs(): number | null {
    if (!this.leads) return null;
    const now = this.#options.now();
    const { self, voters, acked } = this.#state;
    const newestFirst = voters
      .map((id) => (id === self ? now : (acked.get(id) ?? Number.NEGATIVE_INFINITY)))
      .sort((a, b) => b - a);
    const at = newestFirst[majority(voters.length) - 1] ?? Number.NEGATIVE_INFINITY;
    return Number.isFinite(at) ? now - at : null;
  }
}
