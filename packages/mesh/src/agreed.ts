// core: pure
import { maxAgreedLength, maxProposalLength } from "@ringrift/protocol";
import { MeshError } from "./mesh-error.ts";

/** What the servers have agreed on, as this server knows it. */
export interface AgreedView {
  /** At most 32 Ki UTF-16 units; empty before the first proposal. */
  readonly value: string;
  /** Stamp of its writing, two whole numbers and a dot; "0.0": never written. While a server runs it never falls. */
  readonly stamp: string;
  /**
   * False while this server only has it from its disk, or from a leader that has not yet said that a majority holds it, and while
   * no leader is known: it may be outdated. With etcd: while etcd does not answer.
   */
  readonly confirmed: boolean;
}

export const neverAgreed: AgreedView = { value: "", stamp: "0.0", confirmed: false };

/** @throws MeshError `AGREED_TOO_LONG`, `BAD_AGREED_VALUE` */
export function checkAgreed(value: string): void {
  check("The value that the servers would agree on", value, maxAgreedLength);
}

/** @throws MeshError `AGREED_TOO_LONG`, `BAD_AGREED_VALUE` */
export function checkProposal(proposal: string): void {
  check("The proposal", proposal, maxProposalLength);
}

function check(what: string, text: string, longest: number): void {
  if (text.length > longest)
    throw new MeshError(`${what} has ${text.length} characters; at most ${longest} are taken.`, {
      code: "AGREED_TOO_LONG",
      nextStep: "Remove what is no longer needed, or say it more briefly.",
    });
  // Half a surrogate pair would come back from UTF-8 as another character.
  if (!text.isWellFormed())
    throw new MeshError(`${what} is no well-formed Unicode text.`, {
      code: "BAD_AGREED_VALUE",
      nextStep: "Leave out the half of a surrogate pair in it.",
    });
}
