import { rowLength, voterSlots } from "./mailbag.ts";

/** A state that is to be visited; `dropped` once a wider one makes that needless. */
export interface Candidate {
  readonly row: Int32Array;
  dropped: boolean;
}

/**
 * The states that allow most: of two with the same voters, the one whose bag holds all messages of the other allows
 * whatever that one does.
 */
export interface WidestStates<State extends Candidate> {
  /** False when a state that allows as much is there already. */
  readonly add: (state: State) => boolean;
  readonly size: () => number;
}

export function createWidestStates<State extends Candidate>(): WidestStates<State> {
  const byVoters = new Map<number, State[]>();
  let size = 0;
  return {
    size: () => size,
    add: (state) => {
      const key = voterKey(state.row);
      const others = byVoters.get(key);
      if (others === undefined) {
        byVoters.set(key, [state]);
        size += 1;
        return true;
      }
      let kept = 0;
      for (const other of others) {
        if (holdsAll(other.row, state.row)) return false;
        if (holdsAll(state.row, other.row)) other.dropped = true;
        else {
          others[kept] = other;
          kept += 1;
        }
      }
      size += 1 + kept - others.length;
      others.length = kept;
      others.push(state);
      return true;
    },
  };
}

function voterKey(row: Int32Array): number {
  let key = 0;
  for (let slot = 0; slot < voterSlots; slot += 1) key = key * 65_536 + (row[slot] ?? 0);
  return key;
}

function holdsAll(wide: Int32Array, narrow: Int32Array): boolean {
  for (let word = voterSlots; word < rowLength; word += 1) {
    const missing = (narrow[word] ?? 0) & ~(wide[word] ?? 0);
    if (missing !== 0) return false;
  }
  return true;
}
