// core: pure
import type { AgreedView } from "@ringrift/mesh";
import { type Retirement, retiredNodes } from "@ringrift/orchestrator";
import { RingRiftError } from "@ringrift/protocol";

/** What of the agreed value this process goes by: the newest that a majority holds; before the first such one, what lay on its disk. */
export class AgreedNodes {
  #stamp: readonly [number, number] = [0, 0];
  #confirmed = false;
  #fault: string | null = null;

  /** Whether it has heard from a majority since its start. */
  get confirmed(): boolean {
    return this.#confirmed;
  }

  /** Why the newest value could not be read, and the one before it is gone by; null while it could. */
  get fault(): string | null {
    return this.#fault;
  }

  /** @returns the retired nodes; null where there is nothing new to go by */
  take(agreed: AgreedView): ReadonlyMap<string, Retirement> | null {
    // What a leader has just begun to write may yet come to nothing.
    if (!agreed.confirmed && this.#confirmed) return null;
    const stamp = numbers(agreed.stamp);
    if (stamp[0] < this.#stamp[0] || (stamp[0] === this.#stamp[0] && stamp[1] < this.#stamp[1])) return null;
    try {
      const retired = retiredNodes(agreed.value);
      this.#fault = null;
      return retired;
    } catch (error) {
      if (!(error instanceof RingRiftError)) throw error;
      this.#fault = `${error.message} ${error.nextStep ?? ""}`.trim();
      return null;
    } finally {
      this.#stamp = stamp;
      this.#confirmed = agreed.confirmed;
    }
  }
}

function numbers(stamp: string): readonly [number, number] {
  const [term = 0, version = 0] = stamp.split(".").map(Number);
  return [term, version];
}
