import type { AgreedCopy, ElectionMessage } from "@ringrift/protocol";
import type { ElectionEffect, PersistedVote } from "./election-state.ts";
import { clockDriftAllowance, type ElectionTiming } from "./election-timing.ts";
import { majority } from "./quorum.ts";
import { compareStamps, noCopy } from "./register.ts";

// A voter without a vote on disk may be new, or may have voted in a life that its disk forgot. No second vote of one term
// may count. So it waits until every round of voting is over in which a forgotten vote could count, and then asks so many
// others for their terms that one of them has voted in each round that was won: it begins at that term. Where those may have
// forgotten too, as in a new cluster, the wall clock keeps its terms apart from all that were.

/** 2026-01-01 in seconds since 1970: first terms count from here, so that they stay short. */
const firstTermZero = 1_767_225_600;

/** A term above all that were ever used, as long as clocks are right and elections are seconds apart. */
export function firstTermAt(wallMs: number): number {
  return Math.max(1, Math.floor(wallMs / 1_000) - firstTermZero);
}

/** One voter that neither votes nor follows yet; only `meet` changes it. */
export interface Newcomer {
  readonly self: string;
  readonly voters: readonly string[];
  readonly timing: ElectionTiming;
  /** What `firstTermAt` gave when it started. */
  readonly firstTerm: number;
  readonly bornAt: number;
  /** The newest term that each other voter told as its own. */
  readonly terms: Map<string, number>;
  /** Others that told theirs when asked after the wait: who told it before may have voted since. */
  readonly toldSince: Set<string>;
  /** Others that knew of no term when this voter first heard them, and those that were told so of this voter. */
  readonly fresh: Set<string>;
  readonly answered: Set<string>;
  askDueAt: number;
  /** The newest copy of the agreed value among the answers to the last question. */
  newest: AgreedCopy;
}

// Questions are polls of terms in which nobody votes any more; the answer repeats the term, and so tells which was asked.
const firstQuestion = 0;
export const lastQuestion = 1;

export type NewcomerInput =
  | { readonly type: "tick" }
  | { readonly type: "message"; readonly from: string; readonly message: ElectionMessage };

export type NewcomerOptions = Pick<Newcomer, "self" | "voters" | "timing" | "firstTerm">;

export function createNewcomer(options: NewcomerOptions, now: number): Newcomer {
  const heard = { terms: new Map(), toldSince: new Set<string>(), fresh: new Set<string>() };
  return { ...options, ...heard, bornAt: now, answered: new Set(), askDueAt: now, newest: noCopy };
}

/** Takes one input; a `persist` among the effects is the vote with which it begins as an ordinary voter. */
export function meet(newcomer: Newcomer, input: NewcomerInput, now: number): ElectionEffect[] {
  const effects = input.type === "message" ? hear(newcomer, input.from, input.message) : ask(newcomer, now);
  const vote = firstVote(newcomer, now);
  if (vote === null) return effects;
  const { newest } = newcomer;
  return [...effects, { type: "persist", ...vote, ...(newest.term === 0 ? {} : { copy: newest }) }];
}

/** Others whose term it still has to hear before it may vote; 0 when it only has to wait. */
export function missing({ voters, terms }: Newcomer): number {
  const told = [...terms.values()];
  const knowing = told.filter((term) => term > 0).length;
  const need = meetsEveryMajority(voters);
  // Those that know no term either will not tell one: where too few others are left, there is none to wait for.
  return voters.length - 1 - (told.length - knowing) < need ? 0 : Math.max(0, need - knowing);
}

/** So many voters have a member in every majority. */
function meetsEveryMajority(voters: readonly string[]): number {
  return voters.length - majority(voters.length) + 1;
}

function hear(newcomer: Newcomer, from: string, message: ElectionMessage): ElectionEffect[] {
  const { self, voters, terms, toldSince, fresh, answered } = newcomer;
  if (from === self || !voters.includes(from)) return [];
  const tell = (term: number): void => {
    if (term === 0 && !terms.has(from)) fresh.add(from);
    terms.set(from, Math.max(term, terms.get(from) ?? 0));
  };
  switch (message.type) {
    case "pre_vote":
      answered.add(from);
      return [
        {
          type: "send",
          to: from,
          message: { type: "pre_vote_reply", term: message.term, granted: false, voterTerm: 0 },
        },
      ];
    case "pre_vote_reply":
      if (message.term === lastQuestion && message.voterTerm > 0) toldSince.add(from);
      if (message.copy !== undefined && compareStamps(message.copy, newcomer.newest) > 0)
        newcomer.newest = message.copy;
      tell(message.voterTerm);
      return [];
    case "vote":
    case "lead":
      tell(message.term);
      return [];
    default:
      return [];
  }
}

/** A round of voting on the slowest clock is over; answers to what is asked from then on know its outcome. */
function isWaitOver({ timing, bornAt }: Newcomer, now: number): boolean {
  return now - bornAt >= timing.electionTimeoutMaxMs * clockDriftAllowance;
}

function ask(newcomer: Newcomer, now: number): ElectionEffect[] {
  if (now < newcomer.askDueAt) return [];
  newcomer.askDueAt = now + newcomer.timing.heartbeatMs;
  const term = isWaitOver(newcomer, now) ? lastQuestion : firstQuestion;
  return newcomer.voters
    .filter((id) => id !== newcomer.self)
    .map((to) => ({ type: "send", to, message: { type: "pre_vote", term } }));
}

function firstVote(newcomer: Newcomer, now: number): PersistedVote | null {
  const { self, voters, terms, toldSince, firstTerm, bornAt } = newcomer;
  const told = [...terms.values()];
  const term = Math.max(0, ...told);
  if (isNewCluster(newcomer))
    return { term: Math.max(term, firstTerm + Math.floor((now - bornAt) / 1_000)), votedFor: self };
  if (term === 0 || missing(newcomer) > 0 || !isWaitOver(newcomer, now)) return null;
  const need = meetsEveryMajority(voters);
  const knowing = told.filter((each) => each > 0).length;
  if (knowing < need) return { term: Math.max(term, firstTerm), votedFor: self };
  return toldSince.size < need ? null : { term, votedFor: self };
}

/**
 * Whether a majority began together, or has forgotten everything together. Each of the others heard as much of this voter:
 * otherwise it would take this one for an old voter once it has joined, and wait for the rest.
 */
function isNewCluster({ voters, terms, fresh, answered }: Newcomer): boolean {
  const alike = [...fresh].filter((id) => answered.has(id)).length;
  return terms.size === fresh.size && alike >= majority(voters.length) - 1;
}
