import type { SearchOptions } from "./search/search.ts";

/** A bug put into a core on purpose, to prove that the simulator would see one like it. */
export interface Mutant {
  readonly name: string;
  /** Seen from `src/core`; a file of another package only where its sources are what the simulator loads. */
  readonly file: string;
  /** Each text occurs exactly once in the file and is replaced by the other. */
  readonly edits: readonly (readonly [string, string])[];
  /** The smallest search of every order of events that sees it; none for bugs in times, in progress and beside the vote. */
  readonly search?: SearchOptions;
  /** How often random schedules see it: in dozens unless said otherwise. */
  readonly schedules?: "hundreds" | "never";
}

export const mutants: readonly Mutant[] = [
  {
    name: "no fsync before the vote leaves",
    search: { nodes: 3, maxTerm: 1 },
    file: "election.ts",
    edits: [
      [
        "return already ? [granted] : [persisted(state), granted];",
        "return already ? [granted] : [granted, persisted(state)];",
      ],
    ],
  },
  {
    name: "a candidate asks for votes before its own is on disk",
    search: { nodes: 3, maxTerm: 1 },
    schedules: "never",
    file: "campaign.ts",
    edits: [["return [persist, ...requests,", "return [...requests, persist,"]],
  },
  {
    name: "the vote is forgotten in a restart",
    search: { nodes: 3, maxTerm: 1 },
    schedules: "never",
    file: "election-state.ts",
    edits: [["votedFor: persisted.votedFor,", "votedFor: null,"]],
  },
  {
    name: "an adopted term is not persisted",
    search: { nodes: 3, maxTerm: 1 },
    schedules: "never",
    file: "election.ts",
    edits: [["state.leaderId = null;\n  return [persisted(state)];", "state.leaderId = null;\n  return [];"]],
  },
  {
    name: "two votes in one term",
    search: { nodes: 3, maxTerm: 1 },
    schedules: "never",
    file: "election.ts",
    edits: [
      ["if (state.votedFor !== null && state.votedFor !== from) {", "if (state.votedFor === state.self) {"],
    ],
  },
  {
    name: "a quorum of the living",
    search: { nodes: 3, maxTerm: 1 },
    file: "campaign.ts",
    edits: [
      [
        "state.votes.size >= majority(state.voters.length)",
        "state.votes.size >= majority(state.voters.length - state.downLinks.size)",
      ],
    ],
  },
  {
    name: "half is a majority",
    search: { nodes: 4, maxTerm: 1 },
    file: "quorum.ts",
    edits: [["Math.floor(voters / 2) + 1", "Math.ceil(voters / 2)"]],
  },
  {
    name: "a vote repeated counts twice",
    search: { nodes: 4, maxTerm: 1 },
    file: "campaign.ts",
    edits: [
      ["if (state.votes.has(from) || now >= state.electionDueAt) return [];", ""],
      ["state.votes.set(from, now - quietMs);", `state.votes.set(from + state.votes.size, now - quietMs);`],
    ],
  },
  {
    name: "a vote of an earlier term counts",
    search: { nodes: 3, maxTerm: 2 },
    file: "election.ts",
    edits: [
      [
        `state.role !== "candidate" || message.term < state.term || !message.granted`,
        `state.role !== "candidate" || !message.granted`,
      ],
    ],
  },
  {
    name: "an answer to the poll counts as a vote",
    search: { nodes: 3, maxTerm: 1 },
    file: "election.ts",
    edits: [
      [
        `if (state.role !== "pre_candidate") return [];`,
        `if (state.role === "candidate" && message.granted) return countVote(state, from, { quietMs: 9_000 }, now);\n  if (state.role !== "pre_candidate") return [];`,
      ],
    ],
  },
  {
    name: "a refused vote counts",
    search: { nodes: 3, maxTerm: 1 },
    schedules: "never",
    file: "election.ts",
    edits: [["message.term < state.term || !message.granted", "message.term < state.term"]],
  },
  {
    name: "strangers may vote and lead",
    search: { nodes: 3, maxTerm: 1 },
    file: "election.ts",
    edits: [["if (from === state.self || !state.voters.includes(from)) return [];", ""]],
  },
  {
    name: "no check-quorum",
    file: "leadership.ts",
    edits: [["if (unansweredMs >= state.timing.electionTimeoutMinMs) {", "if (unansweredMs < 0) {"]],
  },
  {
    name: "no stickiness: the poll is granted although the leader is heard",
    file: "election.ts",
    edits: [["term > state.term && !followsLiveLeader(state, now)", "term > state.term"]],
  },
  {
    name: "no poll before the campaign",
    file: "campaign.ts",
    edits: [
      ["if (state.voters.length === 1) return campaign", "if (state.voters.length > 0) return campaign"],
    ],
  },
  {
    name: "a lease counted from the answer's arrival",
    file: "election.ts",
    edits: [
      [
        "acknowledge(state, from, message, now)",
        "acknowledge(state, from, { ...message, sentAt: now }, now)",
      ],
    ],
  },
  {
    name: "a lease longer than the election time-out",
    file: "election-timing.ts",
    edits: [
      ["leaseMs: 800,", "leaseMs: 2_400,"],
      ["leaseMs * clockDriftAllowance <= electionTimeoutMinMs,\n", "true,\n"],
    ],
  },
  {
    name: "a lease that does not wait for the earlier leader's",
    schedules: "hundreds",
    file: "leadership.ts",
    edits: [["Math.max(...state.votes.values()) + state.timing.electionTimeoutMinMs", "now"]],
  },
  {
    name: "a lease that one answer renews",
    file: "leadership.ts",
    edits: [["newestFirst[majority(state.voters.length) - 1]", "newestFirst[1]"]],
  },
  {
    name: "a heartbeat of an earlier term is acknowledged",
    search: { nodes: 3, maxTerm: 2 },
    file: "election.ts",
    edits: [
      [
        `{ type: "lead_reply", term: state.term, sentAt })`,
        `{ type: "lead_reply", term: message.term, sentAt })`,
      ],
    ],
  },
  {
    name: "a leader ignores a higher term",
    search: { nodes: 3, maxTerm: 2 },
    file: "election.ts",
    edits: [
      [
        `if (state.role === "leader") stepDown(state, now);\n  state.role = "follower";\n  state.leaderId = null;`,
        "",
      ],
    ],
  },
  {
    name: "a voter that lost a round never tries again",
    file: "campaign.ts",
    edits: [["return min * (0.3 + 0.7 * state.random());", "return 1e9;"]],
  },
  {
    name: "a clock that stands still while the machine sleeps",
    file: "steady-clock.ts",
    edits: [["return monotonicMs + clock.sleptMs;", "return monotonicMs;"]],
  },
  {
    name: "a receiver that obeys whoever commands",
    file: "fence.ts",
    edits: [["accepted: order >= 0", "accepted: true"]],
  },
  {
    name: "a voter whose disk was lost votes at once",
    file: "newcomer.ts",
    edits: [["const term = Math.max(0, ...told);", "return { term: Math.max(0, ...told), votedFor: null };"]],
  },
  {
    name: "a voter whose disk was lost hears one other and votes",
    schedules: "hundreds",
    file: "newcomer.ts",
    edits: [["return voters.length - majority(voters.length) + 1;", "return 1;"]],
  },
  {
    name: "a new cluster begins in term 1, whatever it has forgotten",
    file: "newcomer.ts",
    edits: [["return Math.max(1, Math.floor(wallMs / 1_000) - firstTermZero);", "return 1;"]],
  },
  {
    name: "a voter whose disk was lost believes others that lost theirs",
    schedules: "hundreds",
    file: "newcomer.ts",
    edits: [["{ term: Math.max(term, firstTerm), votedFor: self }", "{ term, votedFor: self }"]],
  },
  {
    name: "a copy is acknowledged before it is on disk",
    schedules: "hundreds",
    file: "election.ts",
    edits: [["return [...writes, answer,", "return [answer, ...writes,"]],
  },
  {
    name: "the copy is forgotten in a restart",
    file: "election-state.ts",
    edits: [["copy: persisted.copy ?? noCopy,", "copy: noCopy,"]],
  },
  {
    name: "a winner keeps its own copy, whatever came with its votes",
    file: "register.ts",
    edits: [["if (copy !== undefined && compareStamps(copy, state.newest) > 0) state.newest = copy;", ""]],
  },
  {
    name: "two holders agree, however many voters there are",
    file: "register.ts",
    edits: [
      ["if (1 + holding < majority(state.voters.length)) return [];", "if (1 + holding < 2) return [];"],
    ],
  },
  {
    name: "a voter whose disk was lost joins without the others' copy",
    schedules: "hundreds",
    file: "election.ts",
    edits: [["term === lastQuestion ? newerThan(state) : undefined", "undefined"]],
  },
  {
    name: "an unknown kind of election message ends the link",
    file: "../../../protocol/src/frame-codec.ts",
    edits: [["if (unknownKind !== null)", "if (unknownKind === value)"]],
  },
];

/**
 * The source with the bug in it.
 *
 * @throws {RangeError} when the core has changed so that the bug no longer fits
 */
export function mutate(source: string, { name, edits }: Mutant): string {
  let changed = source;
  for (const [before, after] of edits) {
    const found = changed.split(before).length - 1;
    if (found !== 1) throw new RangeError(`"${name}": ${found} places hold "${before}" instead of one.`);
    changed = changed.replace(before, () => after);
  }
  return changed;
}
