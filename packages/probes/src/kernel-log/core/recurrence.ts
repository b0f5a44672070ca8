import type { Fault } from "./fault-book.ts";
import { actionTexts } from "./xid-catalog.ts";

/** The boots in which one fault was seen. */
export interface Recurring {
  readonly key: string;
  readonly boots: readonly string[];
  readonly lastAt: number;
}

const maxKeys = 64;
const forgetSeconds = 30 * 86_400;
/** Seen in this many boots, a reboot has been tried often enough. */
const boots = 3;

/** Makes a fault that comes back boot after boot one for hands: resets and reboots have been tried. */
export function createRecurrence(saved: readonly Recurring[]): {
  judge(fault: Fault, bootId: string, at: number): Fault;
  all(): readonly Recurring[];
} {
  const known = new Map(saved.slice(-maxKeys).map((item) => [item.key, item]));
  return {
    judge: (fault, bootId, at) => {
      if (fault.action !== "reset_gpu" && fault.action !== "reboot") return fault;
      const before = known.get(fault.key);
      const seen = before !== undefined && at - before.lastAt <= forgetSeconds ? before.boots : [];
      const now = seen.includes(bootId) ? seen : [...seen, bootId].slice(-boots);
      known.delete(fault.key);
      known.set(fault.key, { key: fault.key, boots: now, lastAt: at });
      for (const key of known.keys()) if (known.size > maxKeys) known.delete(key);
      if (now.length < boots) return fault;
      return {
        ...fault,
        action: "inspect_hardware",
        severity: "critical",
        reason: `${fault.reason}; seen in ${now.length} boots`,
        advice: `${actionTexts.inspect_hardware} Reset and reboot have not helped.`,
      };
    },
    all: () => [...known.values()],
  };
}
