import type { PeerIdentity } from "@ringrift/protocol";
import type { RefusalReason } from "./auth.ts";
import { BoundedLog } from "./bounded-log.ts";
import { Counts } from "./counts.ts";
import { limits } from "./limits.ts";
import type { MeshLog, RefusedPeer } from "./mesh.ts";

interface Refusal {
  readonly reason: RefusalReason;
  readonly address: string;
  readonly nodeId: string | null;
  readonly kid: string | null;
  readonly at: number;
}

/** Counts the refused by reason, keeps the newest for people, and logs as many as a log can bear. */
export class Refusals {
  readonly #counts = new Counts();
  readonly #now: () => number;
  readonly #log: BoundedLog;
  #newest: readonly Refusal[] = [];

  constructor(now: () => number, log: MeshLog) {
    this.#now = now;
    this.#log = new BoundedLog(log, limits.refusalsLogged, now);
  }

  add(
    reason: RefusalReason,
    peer: Pick<PeerIdentity, "nodeId" | "role" | "kid"> | null,
    address: string,
  ): void {
    const at = this.#now();
    this.#counts.add(reason);
    const { nodeId = null, role, kid = null } = peer ?? {};
    this.#newest = [{ reason, address, nodeId, kid, at }, ...this.#newest].slice(0, limits.refusalsShown);
    this.#log.write("warn", "a peer was refused, or refused this node", {
      reason,
      address,
      nodeId,
      role,
      kid,
    });
  }

  counts(): Readonly<Record<string, number>> {
    return this.#counts.snapshot();
  }

  /** The newest first; names and keys are as the peers gave them. */
  newest(): RefusedPeer[] {
    const now = this.#now();
    return this.#newest.map(({ at, ...facts }) => ({ ...facts, ageSeconds: (now - at) / 1000 }));
  }
}
