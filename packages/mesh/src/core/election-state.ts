import { type AgreedCopy, type ElectionMessage, RingRiftError } from "@ringrift/protocol";
import { type ElectionTiming, validateTiming } from "./election-timing.ts";
import { noCopy } from "./register.ts";

type ElectionRole = "follower" | "pre_candidate" | "candidate" | "leader";

/** What a voter must find again after a restart; losing it lets the voter vote twice in one term, or an agreed value be lost. */
export interface PersistedVote {
  readonly term: number;
  readonly votedFor: string | null;
  /** Its copy of the value that the voters agree on; absent before the first. */
  readonly copy?: AgreedCopy | undefined;
}

export interface ElectionOptions {
  readonly self: string;
  /** Ids of all configured voters, `self` among them. */
  readonly voters: readonly string[];
  readonly timing: ElectionTiming;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Carried out strictly in order; nothing after a `persist` may start before it is on disk. */
export type ElectionEffect =
  | ({ readonly type: "persist" } & PersistedVote)
  | { readonly type: "send"; readonly to: string; readonly message: ElectionMessage }
  /** A majority is known to hold this copy: no later leader begins with less. */
  | { readonly type: "agreed"; readonly copy: AgreedCopy }
  | {
      readonly type: "role";
      readonly role: ElectionRole;
      readonly leaderId: string | null;
      readonly term: number;
    };

/** One voter. Only `step` changes it; everyone else reads. Instants are on this voter's clock. */
export interface ElectionState extends ElectionOptions {
  term: number;
  votedFor: string | null;
  role: ElectionRole;
  leaderId: string | null;
  /** When this voter last acknowledged a leader; its start counts, since an earlier life may have. */
  heardLeaderAt: number;
  /** The leader's process is known to be gone, so having heard it lately is no reason to wait. */
  leaderRefused: boolean;
  electionDueAt: number;
  heartbeatDueAt: number;
  /** Who granted the current round, and since when that voter had acknowledged no leader. */
  votes: Map<string, number>;
  /** Leader: send time of the newest heartbeat that each voter acknowledged. */
  acked: Map<string, number>;
  ledSince: number;
  lastSentAt: number;
  /** Leader: before this an earlier leader's lease may still run. */
  leaseFrom: number;
  downLinks: Set<string>;
  /** On disk, or on its way there before anything else leaves. */
  copy: AgreedCopy;
  /** A majority is known to hold the copy. */
  confirmed: boolean;
  /** Candidate: the newest copy among those that came with votes. */
  newest: AgreedCopy;
  /** Leader: voters that hold the copy, with the send time of the newest heartbeat that they answered so. */
  holders: Map<string, number>;
  /** Leader: a majority holds all that earlier leaders may have agreed on. */
  restored: boolean;
}

/** The voters are not a configuration that this server can vote in. */
export class VotersError extends RingRiftError {}

/**
 * A voter as it starts: a follower with what it had persisted. Without a vote on disk it is a newcomer first.
 *
 * @throws {VotersError} when `voters` is empty, repeats an id or lacks `self`
 * @throws {ElectionTimingError}
 */
export function createElection(
  options: ElectionOptions,
  persisted: PersistedVote,
  now: number,
): ElectionState {
  const { self, voters, random } = options;
  const timing = validateTiming(options.timing);
  checkVoters(self, voters);
  const alone = voters.length === 1;
  const { electionTimeoutMinMs: min, electionTimeoutMaxMs: max } = timing;
  return {
    self,
    voters: [...voters],
    timing,
    random,
    term: persisted.term,
    votedFor: persisted.votedFor,
    role: "follower",
    leaderId: null,
    heardLeaderAt: alone ? Number.NEGATIVE_INFINITY : now,
    leaderRefused: false,
    electionDueAt: alone ? now : now + min + random() * (max - min),
    heartbeatDueAt: now,
    votes: new Map(),
    acked: new Map(),
    ledSince: now,
    lastSentAt: now,
    leaseFrom: now,
    downLinks: new Set(),
    copy: persisted.copy ?? noCopy,
    confirmed: false,
    newest: noCopy,
    holders: new Map(),
    restored: false,
  };
}

function checkVoters(self: string, voters: readonly string[]): void {
  const list = voters.join(", ") || "none";
  if (!voters.includes(self)) {
    throw new VotersError(`Server "${self}" is not among the configured voters (${list}).`, {
      code: "VOTERS_WITHOUT_SELF",
      nextStep: "Add this server to the list of servers, the same list on every server.",
    });
  }
  if (new Set(voters).size !== voters.length) {
    throw new VotersError(`The configured voters (${list}) name one server twice.`, {
      code: "VOTERS_REPEATED",
      nextStep: "Name each server once.",
    });
  }
}
