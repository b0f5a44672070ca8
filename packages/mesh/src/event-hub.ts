import { errorText, type LinkState, type NodeReport } from "@ringrift/protocol";
import { type AgreedView, neverAgreed } from "./agreed.ts";
import { BoundedLog } from "./bounded-log.ts";
import { limits } from "./limits.ts";
import type { MassFailureView, MemberView, MeshEvent, MeshLog, MeshQuorum } from "./mesh.ts";

/** Tells the listeners what changed: it remembers what they were told last and is silent when nothing differs. */
export class EventHub {
  readonly #log: MeshLog;
  readonly #memberLog: BoundedLog;
  readonly #memberLevel: "info" | "debug";
  readonly #listeners = new Set<(event: MeshEvent) => void>();
  readonly #links = new Map<string, LinkState>();
  #leaderId: string | null = null;
  #leaderTerm = 0;
  #quorum = "";
  #massFailure: MassFailureView | null = null;
  #agreed: AgreedView = neverAgreed;

  /**
   * @param memberLevel at which changes of members are logged: every agent would repeat what the servers say
   * @param now monotonic milliseconds
   */
  constructor(log: MeshLog, memberLevel: "info" | "debug", now: () => number) {
    this.#log = log;
    this.#memberLog = new BoundedLog(log, limits.changesLogged, now);
    this.#memberLevel = memberLevel;
  }

  listen(listener: (event: MeshEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** True when it differs from what was told last. */
  leader(leaderId: string | null, term: number): boolean {
    const previous = this.#leaderId;
    if (leaderId === previous && (leaderId === null || term === this.#leaderTerm)) return false;
    this.#leaderId = leaderId;
    this.#leaderTerm = term;
    this.#log("info", leaderId === null ? "nobody leads" : "a leader is known", { leaderId, previous, term });
    this.#emit({ type: "leader", leaderId, previous, term });
    return true;
  }

  /** True when it differs from what was told last. */
  quorum({ held, have, need }: MeshQuorum): boolean {
    const text = `${held} ${have} ${need}`;
    if (text === this.#quorum) return false;
    this.#quorum = text;
    this.#emit({ type: "quorum", held, have, need });
    return true;
  }

  massFailure(failure: MassFailureView | null): void {
    const previous = this.#massFailure;
    this.#massFailure = failure;
    if ((failure === null) === (previous === null)) return;
    const message =
      failure === null
        ? "the hold on declaring nodes down is over"
        : "many agents are suspect at once: nobody is declared down meanwhile";
    this.#log("warn", message, { ...(failure ?? previous) });
    this.#emit({ type: "mass_failure", failure, previous });
  }

  agreed(agreed: AgreedView): void {
    const { stamp, confirmed } = this.#agreed;
    if (agreed.stamp === stamp && agreed.confirmed === confirmed) return;
    this.#agreed = agreed;
    this.#emit({ type: "agreed", agreed });
  }

  /** True when the member is new or its link state differs from the one told last. */
  member(member: MemberView): boolean {
    const previous = this.#links.get(member.id) ?? null;
    if (previous === member.link) return false;
    // Set anew, so that the map's order is the order of the last changes.
    this.#links.delete(member.id);
    this.#links.set(member.id, member.link);
    if (this.#links.size > limits.membersRemembered) this.#links.delete(oldestOf(this.#links) ?? "");
    const { id: memberId, link, reason, accusers } = member;
    this.#memberLog.write(this.#memberLevel, "a member's link has changed", {
      memberId,
      link,
      previous,
      reason,
      accusers,
    });
    this.#emit({ type: "member", member, previous });
    return true;
  }

  report(nodeId: string, report: NodeReport): void {
    this.#emit({ type: "report", nodeId, report });
  }

  #emit(event: MeshEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#log("error", "a listener of mesh events threw", { event: event.type, error: errorText(error) });
      }
    }
  }
}

function oldestOf(map: ReadonlyMap<string, unknown>): string | undefined {
  for (const key of map.keys()) return key;
  return undefined;
}
