// core: pure
import type { LeadershipView } from "./mesh.ts";

const slotMs = 60_000;
const slots = 60;

interface Slot {
  index: number;
  ledMs: number;
  totalMs: number;
}

/** Remembers, minute by minute for an hour, how long a leader was known. Instants are monotonic milliseconds. */
export class LeadershipRecord {
  readonly #slots: Slot[] = [];
  #leader: string | null = null;
  #lastLeader: string | null = null;
  #changes = 0;
  #at: number;

  constructor(now: number) {
    this.#at = now;
  }

  /** The leader as it is known from now on, and its epoch; the time since the last note counts for what was known then. */
  note(leaderId: string | null, epoch: string, now: number): void {
    this.#pass(now);
    this.#leader = leaderId === null ? null : `${leaderId} ${epoch}`;
    if (this.#leader === null || this.#leader === this.#lastLeader) return;
    this.#lastLeader = this.#leader;
    this.#changes += 1;
  }

  view(now: number): LeadershipView {
    this.#pass(now);
    const oldest = Math.floor(now / slotMs) - slots;
    let ledMs = 0;
    let totalMs = 0;
    for (const slot of this.#slots) {
      if (slot.index <= oldest) continue;
      ledMs += slot.ledMs;
      totalMs += slot.totalMs;
    }
    return {
      availability: totalMs === 0 ? null : ledMs / totalMs,
      windowSeconds: (slots * slotMs) / 1_000,
      changes: this.#changes,
    };
  }

  #pass(now: number): void {
    // A node that slept for longer than the window knows nothing of the time before.
    this.#at = Math.max(this.#at, now - slots * slotMs);
    while (this.#at < now) {
      const index = Math.floor(this.#at / slotMs);
      const until = Math.min(now, (index + 1) * slotMs);
      const place = ((index % slots) + slots) % slots;
      const known = this.#slots[place];
      const slot = known?.index === index ? known : { index, ledMs: 0, totalMs: 0 };
      slot.totalMs += until - this.#at;
      if (this.#leader !== null) slot.ledMs += until - this.#at;
      this.#slots[place] = slot;
      this.#at = until;
    }
  }
}
