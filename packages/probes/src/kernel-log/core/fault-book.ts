import type { ErrorAction, ErrorSeverity } from "./xid-catalog.ts";

/** One kind of fault of one thing, as a line of the log told it. */
export interface Fault {
  /** Lines of the same key are the same fault. */
  readonly key: string;
  /** Bus id, device or interface that it is about. */
  readonly subject: string;
  readonly severity: ErrorSeverity;
  readonly action: ErrorAction;
  readonly reason: string;
  readonly advice: string;
  /** How long after its last line it is over, if nothing ends it before. */
  readonly windowSeconds: number;
  /** Lines within the window from which on it is a fault; a link may go down once. */
  readonly needed: number;
}

/** A fault that is still told. Times are seconds since 1970. */
export interface KeptFault extends Fault {
  readonly bootId: string;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly count: number;
}

const maxFaults = 256;

/** Faults from their first line until a reset, a reboot or their window ends them. */
export interface FaultBook {
  /** Takes a line's fault; the answer is as kept. Past 256 faults the one silent longest is left out and counted. */
  note(fault: Fault, bootId: string, at: number): KeptFault;
  /** Those not over yet, in the order in which they began. */
  current(nowSeconds: number): readonly KeptFault[];
  /** Ends those that `isOver` picks. */
  end(isOver: (fault: KeptFault) => boolean): void;
  /** All that is kept, over or not. */
  all(): readonly KeptFault[];
  readonly dropped: number;
}

export function createFaultBook(saved: readonly KeptFault[] = []): FaultBook {
  const faults = new Map(saved.slice(0, maxFaults).map((fault) => [fault.key, fault]));
  let dropped = 0;

  function makeRoom(): void {
    if (faults.size < maxFaults) return;
    const silent = [...faults.values()].reduce((a, b) => (b.lastAt < a.lastAt ? b : a));
    faults.delete(silent.key);
    dropped += 1;
  }

  return {
    note: (fault, bootId, at) => {
      const known = faults.get(fault.key);
      const goesOn = known !== undefined && at - known.lastAt <= known.windowSeconds;
      if (known === undefined) makeRoom();
      const kept: KeptFault = {
        ...fault,
        bootId,
        firstAt: goesOn ? known.firstAt : at,
        lastAt: goesOn ? Math.max(known.lastAt, at) : at,
        count: goesOn ? known.count + 1 : 1,
      };
      faults.set(fault.key, kept);
      return kept;
    },
    current: (nowSeconds) => {
      for (const fault of faults.values())
        if (nowSeconds - fault.lastAt > fault.windowSeconds) faults.delete(fault.key);
      return [...faults.values()];
    },
    end: (isOver) => {
      for (const fault of faults.values()) if (isOver(fault)) faults.delete(fault.key);
    },
    all: () => [...faults.values()],
    get dropped() {
      return dropped;
    },
  };
}
