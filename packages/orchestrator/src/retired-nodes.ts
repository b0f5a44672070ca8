// core: pure
import type { EventOccurrence } from "@ringrift/protocol";
import type { Retirement } from "./decisions.ts";
import { eventReason } from "./reason.ts";

/** The nodes that operators retired, and those that came back and have not reported since. */
export class RetiredNodes {
  #retired: ReadonlyMap<string, Retirement> = new Map();
  readonly #returned = new Set<string>();

  get all(): ReadonlyMap<string, Retirement> {
    return this.#retired;
  }

  of(id: string): Retirement | null {
    return this.#retired.get(id) ?? null;
  }

  /** True after a return until the node reports: what it said while nobody counted it is not how it is now. */
  isReturning(id: string): boolean {
    return this.#returned.has(id);
  }

  reported(id: string): void {
    this.#returned.delete(id);
  }

  /** Forgets returns of nodes that are known no longer. */
  keepOnly(isKnown: (id: string) => boolean): void {
    for (const id of this.#returned) if (!isKnown(id)) this.#returned.delete(id);
  }

  /** Takes over the whole set. @returns the ids that are back, and what to tell, as `HealthCheckOrchestrator.setRetired` says */
  replace(
    next: ReadonlyMap<string, Retirement>,
    newsSince: number | null,
  ): { readonly returned: readonly string[]; readonly events: readonly EventOccurrence[] } {
    const before = this.#retired;
    const returned = [...before.keys()].filter((id) => !next.has(id));
    const added = [...next].filter(
      ([id, { at }]) => !before.has(id) && (newsSince === null || at >= newsSince),
    );
    this.#retired = new Map(next);
    for (const id of next.keys()) this.#returned.delete(id);
    for (const id of returned) this.#returned.add(id);
    const told = (id: string, of: Retirement | undefined) => ({
      nodeId: id,
      reason: eventReason(of?.reason ?? ""),
    });
    return {
      returned,
      events: [
        ...added.map(([id, of]) => ({ name: "NODE_RETIRED" as const, data: told(id, of) })),
        ...(newsSince === null ? returned : []).map((id) => ({
          name: "NODE_UNRETIRED" as const,
          data: told(id, before.get(id)),
        })),
      ],
    };
  }
}
