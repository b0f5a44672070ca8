import { majority } from "./quorum.ts";

// One value that a leader keeps at a majority: not a log, so any voter that a majority elects can lead. Whoever is elected
// reads a majority, adopts the newest value, writes it back in its own term, and only then announces itself. The contract
// with the shell is the election's: effects in order, and nothing passes a `persist` that is not on disk.

/** A value with the term and version of its writing; (0, 0) is the empty one that is there at first. */
export interface RegisterValue {
  readonly term: number;
  readonly version: number;
  readonly value: string;
}

/** What a voter must find again after a restart. */
export interface PersistedRegister {
  /** Reads and writes of a lower term are refused. */
  readonly promised: number;
  readonly stored: RegisterValue;
}

export const emptyRegister: PersistedRegister = {
  promised: 0,
  stored: { term: 0, version: 0, value: "" },
};

/** Longest value, in UTF-16 units. */
export const maxRegisterLength: number = 32 * 1024;

export type RegisterMessage =
  | { readonly type: "read"; readonly term: number }
  | { readonly type: "read_reply"; readonly term: number; readonly stored: RegisterValue }
  | { readonly type: "write"; readonly written: RegisterValue }
  | { readonly type: "write_reply"; readonly term: number; readonly version: number };

export type RegisterInput =
  /** This voter has won the election of `term`. */
  | { readonly type: "lead"; readonly term: number }
  /** It leads no longer. */
  | { readonly type: "follow" }
  /** Replace the value; ignored unless this voter is ready, no other write is under way and the value is short enough. */
  | { readonly type: "write"; readonly value: string }
  | { readonly type: "message"; readonly from: string; readonly message: RegisterMessage }
  /** Asks again those that have not answered. */
  | { readonly type: "tick" };

export type RegisterEffect =
  | ({ readonly type: "persist" } & PersistedRegister)
  | { readonly type: "send"; readonly to: string; readonly message: RegisterMessage }
  /** The newest value of all earlier leaders is at a majority again: this voter may announce that it leads. */
  | { readonly type: "ready"; readonly value: RegisterValue }
  /** A majority holds the value; it is never lost. */
  | { readonly type: "committed"; readonly value: RegisterValue };

type Phase = "follow" | "read" | "restore" | "ready" | "write";

/** One voter's copy and, while it leads, its dealings with the others; only `stepRegister` changes it. */
export interface RegisterState {
  readonly self: string;
  readonly voters: readonly string[];
  promised: number;
  stored: RegisterValue;
  phase: Phase;
  /** Newest value among the answers to the read. */
  newest: RegisterValue;
  /** Voters that answered the read or the write under way. */
  answered: Set<string>;
}

export function createRegister(
  self: string,
  voters: readonly string[],
  persisted: PersistedRegister,
): RegisterState {
  return { self, voters, ...persisted, phase: "follow", newest: persisted.stored, answered: new Set() };
}

export function stepRegister(state: RegisterState, input: RegisterInput): RegisterEffect[] {
  switch (input.type) {
    case "lead":
      return startReading(state, input.term);
    case "follow":
      state.phase = "follow";
      return [];
    case "write": {
      if (state.phase !== "ready" || input.value.length > maxRegisterLength) return [];
      const { promised: term, stored } = state;
      return write(state, { term, version: stored.version + 1, value: input.value }, "write");
    }
    case "tick":
      return ask(state);
    case "message":
      return state.voters.includes(input.from) && input.from !== state.self
        ? receive(state, input.from, input.message)
        : [];
  }
}

/** Negative when `a` was written before `b`: a later term outranks any version. */
function compareValues(a: RegisterValue, b: RegisterValue): number {
  return a.term - b.term || a.version - b.version;
}

function startReading(state: RegisterState, term: number): RegisterEffect[] {
  if (term < state.promised) return [];
  state.promised = term;
  state.phase = "read";
  state.newest = state.stored;
  state.answered = new Set([state.self]);
  return [persist(state), ...ask(state), ...advance(state)];
}

function receive(state: RegisterState, from: string, message: RegisterMessage): RegisterEffect[] {
  switch (message.type) {
    case "read": {
      if (message.term < state.promised) return [];
      const raised = promise(state, message.term);
      const answer: RegisterMessage = { type: "read_reply", term: message.term, stored: state.stored };
      return [...raised, { type: "send", to: from, message: answer }];
    }
    case "write": {
      const { written } = message;
      if (written.term < state.promised) return [];
      const effects = promise(state, written.term);
      if (compareValues(written, state.stored) > 0) {
        state.stored = written;
        effects.splice(0, 1, persist(state));
      }
      const { term, version } = written;
      return [...effects, { type: "send", to: from, message: { type: "write_reply", term, version } }];
    }
    case "read_reply":
      if (state.phase !== "read" || message.term !== state.promised) return [];
      if (compareValues(message.stored, state.newest) > 0) state.newest = message.stored;
      state.answered.add(from);
      return advance(state);
    case "write_reply": {
      if (state.phase !== "restore" && state.phase !== "write") return [];
      const { term, version } = state.stored;
      if (message.term !== term || message.version !== version) return [];
      state.answered.add(from);
      return advance(state);
    }
  }
}

/** Enters a higher term, in which this voter cannot be the leader that it was. */
function promise(state: RegisterState, term: number): RegisterEffect[] {
  if (term <= state.promised) return [];
  state.promised = term;
  state.phase = "follow";
  return [persist(state)];
}

/** Goes on to the next phase once a majority has answered this one. */
function advance(state: RegisterState): RegisterEffect[] {
  if (state.answered.size < majority(state.voters.length)) return [];
  switch (state.phase) {
    case "read":
      return write(state, { ...state.newest, term: state.promised }, "restore");
    case "restore":
      state.phase = "ready";
      return [{ type: "ready", value: state.stored }];
    case "write":
      state.phase = "ready";
      return [{ type: "committed", value: state.stored }];
    default:
      return [];
  }
}

function write(state: RegisterState, value: RegisterValue, phase: "restore" | "write"): RegisterEffect[] {
  state.stored = value;
  state.phase = phase;
  state.answered = new Set([state.self]);
  return [persist(state), ...ask(state), ...advance(state)];
}

function ask(state: RegisterState): RegisterEffect[] {
  const message = question(state);
  if (message === null) return [];
  return state.voters.filter((id) => !state.answered.has(id)).map((to) => ({ type: "send", to, message }));
}

function question(state: RegisterState): RegisterMessage | null {
  if (state.phase === "read") return { type: "read", term: state.promised };
  if (state.phase === "restore" || state.phase === "write") return { type: "write", written: state.stored };
  return null;
}

function persist({ promised, stored }: RegisterState): RegisterEffect {
  return { type: "persist", promised, stored };
}
