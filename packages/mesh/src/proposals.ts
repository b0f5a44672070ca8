import { errorText, type ProposedFrame, type ProposeFrame, RingRiftError } from "@ringrift/protocol";
import { type AgreedView, checkAgreed, checkProposal } from "./agreed.ts";
import type { Counts } from "./counts.ts";
import type { Elector } from "./elector.ts";
import { limits } from "./limits.ts";
import type { Link } from "./link.ts";
import type { MeshOptions } from "./mesh.ts";
import { MeshError } from "./mesh-error.ts";
import type { ServerLinks } from "./server-links.ts";
import { TokenBucket } from "./token-bucket.ts";

/** How often a proposal is applied anew because another value has come in between. */
const attempts = 3;

export interface ProposalsOptions {
  readonly mesh: Pick<MeshOptions, "nodeId" | "applyProposal" | "log">;
  readonly voter: string;
  readonly elector: Elector;
  readonly links: Pick<ServerLinks, "of">;
  readonly dropped: Counts;
  /** @throws MeshError `NOT_LEADER` */
  readonly assertLeader: () => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

interface Pending {
  /** On which the leader was asked and will answer; null when it is this server. */
  readonly link: Link | null;
  readonly deadline: number;
  readonly resolve: (agreed: AgreedView) => void;
  readonly reject: (error: RingRiftError) => void;
}

/** Takes proposals to the leader, and as the leader carries them out one after another. */
export class Proposals {
  readonly #options: ProposalsOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #rate: TokenBucket;
  #nextId = 0;
  #queued = 0;
  /** The end of the newest proposal in the leader's queue. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ProposalsOptions) {
    this.#options = options;
    this.#rate = new TokenBucket(limits.proposals, options.now());
  }

  propose(proposal: string): Promise<AgreedView> {
    checkProposal(proposal);
    const { elector, voter, links, now } = this.#options;
    const { leader } = elector.view();
    if (leader === null) throw noLeader("Nobody leads the servers now");
    if (this.#pending.size >= limits.proposalsPending)
      throw full(`${this.#pending.size} proposals wait already`);
    // Here and not by the leader's budget for this link, whose drops would leave the outcome unknown.
    if (!this.#rate.take(now()))
      throw full(`This server made more than ${limits.proposals.perSecond} proposals a second`);
    const id = this.#nextId;
    this.#nextId += 1;
    const link =
      leader === voter ? null : links.of(leader).find((each) => each.send({ type: "propose", id, proposal }));
    if (link === undefined) throw noLeader(`The leader ${leader} cannot be reached from here`);
    const outcome = new Promise<AgreedView>((resolve, reject) => {
      this.#pending.set(id, { link, deadline: now() + limits.proposalMs, resolve, reject });
    });
    if (link === null)
      this.#enqueue(proposal).then(
        (agreed) => this.#settle(id, agreed),
        (error: unknown) => this.#settle(id, typed(error)),
      );
    return outcome;
  }

  receive(link: Link, frame: ProposeFrame | ProposedFrame): void {
    if (frame.type === "propose") {
      const { id, proposal } = frame;
      // The answer goes back on this link alone: the ids of a process that took its place are others.
      this.#enqueue(proposal).then(
        ({ value, stamp }) => void link.send({ type: "proposed", id, ok: true, value, stamp }),
        (error: unknown) => void link.send(refusalFrame(id, typed(error))),
      );
    } else if (this.#pending.get(frame.id)?.link !== link) this.#options.dropped.add("late_outcome");
    else if (frame.ok) this.#settle(frame.id, { value: frame.value, stamp: frame.stamp, confirmed: true });
    else {
      const { code, message, nextStep } = frame;
      this.#settle(frame.id, new MeshError(message, { code, ...(nextStep === null ? {} : { nextStep }) }));
    }
  }

  /** Gives up on what has waited for too long, or for an answer that can no longer come. */
  tick(): void {
    const now = this.#options.now();
    for (const [id, { link, deadline }] of this.#pending) {
      if (link?.isOpen === false)
        this.#settle(id, unknownOutcome(`the link to the leader ${link.peer.nodeId} broke`));
      else if (now >= deadline)
        this.#settle(id, unknownOutcome(`there was no outcome within ${limits.proposalMs / 1000} s`));
    }
  }

  stop(): void {
    for (const id of [...this.#pending.keys()])
      this.#settle(id, unknownOutcome(`${this.#options.mesh.nodeId} was stopped`));
  }

  #settle(id: number, outcome: AgreedView | RingRiftError): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (outcome instanceof RingRiftError) pending?.reject(outcome);
    else pending?.resolve(outcome);
  }

  /** The leader's queue: each proposal meets the value that the one before it left. */
  async #enqueue(proposal: string): Promise<AgreedView> {
    if (this.#queued >= limits.proposalsQueued) throw full(`${this.#queued} proposals wait already`);
    const deadline = this.#options.now() + limits.proposalMs;
    this.#queued += 1;
    const turn = this.#last.then(() => this.#carryOut(proposal, deadline));
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#queued -= 1;
    }
  }

  async #carryOut(proposal: string, deadline: number): Promise<AgreedView> {
    const { elector, now } = this.#options;
    const { nodeId } = this.#options.mesh;
    for (let attempt = 1; ; attempt += 1) {
      // Who proposed it has given up by now, and may have proposed the contrary since.
      if (now() >= deadline) throw full("The proposal's turn did not come in time");
      this.#assertLeader();
      const current = elector.agreed();
      // A rule that met an old value could refuse what is right.
      if (!current.confirmed) throw noLeader(`The leader ${nodeId} does not know yet what was agreed last`);
      const value = this.#apply(current.value, proposal);
      checkAgreed(value);
      try {
        return await elector.agree(value, current.stamp);
      } catch (error) {
        const moved = error instanceof RingRiftError && error.code === "AGREED_MOVED";
        if (!moved || attempt === attempts) throw error;
      }
    }
  }

  #assertLeader(): void {
    try {
      this.#options.assertLeader();
    } catch {
      throw noLeader(`${this.#options.mesh.nodeId} does not hold the leader's lease at this moment`);
    }
  }

  #apply(value: string, proposal: string): string {
    const { applyProposal, nodeId, log } = this.#options.mesh;
    if (applyProposal === undefined)
      throw new MeshError(`The leader ${nodeId} takes no proposals.`, {
        code: "NO_PROPOSALS",
        nextStep: "Run the same version on every server.",
      });
    try {
      return applyProposal(value, proposal);
    } catch (error) {
      if (error instanceof RingRiftError) throw error;
      log("error", "a proposal could not be applied", { error: errorText(error) });
      throw new MeshError(`The leader ${nodeId} could not apply the proposal: ${errorText(error)}`, {
        code: "PROPOSAL_REFUSED",
        nextStep: "Its log says more.",
        cause: error,
      });
    }
  }
}

function refusalFrame(id: number, { code, message, nextStep }: RingRiftError): ProposedFrame {
  return {
    type: "proposed",
    id,
    ok: false,
    code,
    message: message.slice(0, 500),
    nextStep: nextStep?.slice(0, 500) ?? null,
  };
}

/** What an elector threw that is none of ours may have happened at any moment. */
function typed(error: unknown): RingRiftError {
  return error instanceof RingRiftError ? error : unknownOutcome(errorText(error));
}

function noLeader(why: string): MeshError {
  return new MeshError(`${why}; nothing was changed.`, {
    code: "NO_LEADER",
    nextStep: "Try again in a moment; `ringrift leader` shows whether the servers have a quorum.",
  });
}

function unknownOutcome(why: string): MeshError {
  return new MeshError(`Whether the servers agreed is not known: ${why}.`, {
    code: "NOT_AGREED",
    nextStep: "Look whether it took effect before you ask again.",
  });
}

function full(why: string): MeshError {
  return new MeshError(`${why}; nothing was changed.`, {
    code: "PROPOSALS_FULL",
    nextStep: "Try again in a moment.",
  });
}
