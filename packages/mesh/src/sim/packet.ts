import type { ElectionMessage } from "../core/election.ts";
import type { Epoch } from "../core/epoch.ts";

/** What travels between simulated nodes. */
export type Packet =
  | { readonly kind: "election"; readonly message: ElectionMessage }
  /** What a server says of the cluster; it decides nothing anywhere. */
  | { readonly kind: "status"; readonly epoch: Epoch; readonly leaderId: string | null }
  /** From a leader to a receiver that acts on it. */
  | { readonly kind: "command"; readonly epoch: Epoch };
