// core: pure
import { busKey } from "./bus-id.ts";

/** Which card stands at a bus id, and what its driver wants done. `recoveryAction`: null is nothing; undefined is not known. */
interface RosterEntry {
  readonly index: number | null;
  readonly uuid: string;
  readonly recoveryAction: string | null | undefined;
  readonly seenAt: number;
}

/** What nvidia-smi and the kernel log know of the cards together: one counts them, the other only has bus ids. */
export interface GpuRoster {
  /** What nvidia-smi says of a card. */
  update(card: { readonly busId: string } & RosterEntry): void;
  /** What the kernel log says of a card. */
  introduce(busId: string, uuid: string): void;
  /** Grows each time a card gets another number or UUID: what was named by its bus has a name now. */
  readonly changes: number;
  labels(busId: string): { readonly gpu: string; readonly uuid: string };
  /** True when the driver, asked well after `lastAt` and lately, wants nothing done with the card. */
  isAtPeace(busId: string, lastAt: number, nowSeconds: number): boolean;
}

const maxCards = 64;
/** The driver may need a while to see what it wrote itself. */
const settleSeconds = 60;
const freshSeconds = 300;

export function createGpuRoster(): GpuRoster {
  const cards = new Map<string, RosterEntry>();
  let changes = 0;
  const put = (busId: string, entry: RosterEntry): void => {
    const key = busKey(busId);
    const known = cards.get(key);
    if (known === undefined && cards.size >= maxCards) return;
    if (known?.index !== entry.index || known.uuid !== entry.uuid) changes += 1;
    cards.set(key, entry);
  };
  return {
    update: ({ busId, index, uuid, recoveryAction, seenAt }) =>
      put(busId, { index, uuid, recoveryAction, seenAt }),
    introduce: (busId, uuid) => {
      if (!cards.has(busKey(busId))) put(busId, { index: null, uuid, recoveryAction: undefined, seenAt: 0 });
    },
    get changes() {
      return changes;
    },
    labels: (busId) => {
      const card = cards.get(busKey(busId));
      return { gpu: String(card?.index ?? busId), uuid: card?.uuid ?? "" };
    },
    isAtPeace: (busId, lastAt, nowSeconds) => {
      const card = cards.get(busKey(busId));
      if (card === undefined || card.recoveryAction !== null) return false;
      return card.seenAt - lastAt >= settleSeconds && nowSeconds - card.seenAt <= freshSeconds;
    },
  };
}
