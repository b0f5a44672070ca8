/** What voters say to one another. Every sender is a link's authenticated node id, never a field of the message. */
export type ElectionMessage =
  /** Would you vote for me in `term`? Changes nothing at the receiver. */
  | { readonly type: "pre_vote"; readonly term: number }
  /** `term` repeats the question; `voterTerm` is the answering voter's own. */
  | {
      readonly type: "pre_vote_reply";
      readonly term: number;
      readonly granted: boolean;
      readonly voterTerm: number;
    }
  /** `transfer`: the leader itself asked for this election, so hearing it is no reason to refuse. */
  | { readonly type: "vote"; readonly term: number; readonly transfer: boolean }
  /** `quietMs`: how long ago, at the least, this voter last acknowledged a leader. */
  | {
      readonly type: "vote_reply";
      readonly term: number;
      readonly granted: boolean;
      readonly quietMs: number;
    }
  /** The leader's heartbeat; `sentAt` is on the leader's clock and means nothing to anyone else. */
  | { readonly type: "lead"; readonly term: number; readonly sentAt: number }
  /** `term` is the answering voter's own: a higher one deposes the sender of the heartbeat. */
  | { readonly type: "lead_reply"; readonly term: number; readonly sentAt: number }
  /** From a leader that is leaving to the voter that should follow it. */
  | { readonly type: "timeout_now"; readonly term: number };
