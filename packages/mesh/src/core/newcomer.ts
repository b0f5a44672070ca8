import type { ElectionMessage } from "@ringrift/protocol";
import type { ElectionEffect, PersistedVote } from "./election-state.ts";
import type { ElectionTiming } from "./election-timing.ts";
import { majority } from "./quorum.ts";

// A voter without a vote on disk may be new, or may have voted in a life that its disk forgot. It must not vote in a term
// in which it may have voted, and whoever it voted for knows that term. So it first hears the others out.

/** One voter that neither votes nor follows yet; only `meet` changes it. */
export interface Newcomer {
  readonly self: string;
  readonly voters: readonly string[];
  readonly timing: ElectionTiming;
  readonly bornAt: number;
  /** The newest term that each other voter told as its own. */
  readonly terms: Map<string, number>;
  askDueAt: number;
}

export type NewcomerInput =
  | { readonly type: "tick" }
  | { readonly type: "message"; readonly from: string; readonly message: ElectionMessage };

export function createNewcomer(options: Pick<Newcomer, "self" | "voters" | "timing">, now: number): Newcomer {
  return { ...options, bornAt: now, terms: new Map(), askDueAt: now };
}

/** Takes one input; a `persist` among the effects is the vote with which it begins as an ordinary voter. */
export function meet(newcomer: Newcomer, input: NewcomerInput, now: number): ElectionEffect[] {
  const effects = input.type === "message" ? hear(newcomer, input.from, input.message) : ask(newcomer, now);
  const vote = firstVote(newcomer, now);
  return vote === null ? effects : [...effects, { type: "persist", ...vote }];
}

/** Others whose term it still has to hear before it may vote; 0 when it only has to wait. */
export function missing({ voters, terms }: Newcomer): number {
  return Math.max(0, voters.length - majority(voters.length) + 1 - terms.size);
}

function hear({ self, voters, terms }: Newcomer, from: string, message: ElectionMessage): ElectionEffect[] {
  if (from === self || !voters.includes(from)) return [];
  switch (message.type) {
    case "pre_vote":
      return [
        {
          type: "send",
          to: from,
          message: { type: "pre_vote_reply", term: message.term, granted: false, voterTerm: 0 },
        },
      ];
    case "pre_vote_reply":
      terms.set(from, message.voterTerm);
      return [];
    case "vote":
    case "lead":
      terms.set(from, message.term);
      return [];
    default:
      return [];
  }
}

function ask(newcomer: Newcomer, now: number): ElectionEffect[] {
  if (now < newcomer.askDueAt) return [];
  newcomer.askDueAt = now + newcomer.timing.heartbeatMs;
  return newcomer.voters
    .filter((id) => id !== newcomer.self)
    .map((to) => ({ type: "send", to, message: { type: "pre_vote", term: 1 } }));
}

function firstVote(newcomer: Newcomer, now: number): PersistedVote | null {
  const { self, voters, terms, timing, bornAt } = newcomer;
  const term = Math.max(0, ...terms.values());
  // A majority that never heard of any term: the cluster is as new as this voter.
  if (term === 0 && terms.size >= majority(voters.length) - 1) return { term: 0, votedFor: null };
  // Any majority that elected someone has one member among so many others. A round of voting that still runs ends meanwhile.
  if (missing(newcomer) > 0 || now - bornAt < timing.electionTimeoutMaxMs) return null;
  return { term, votedFor: self };
}
