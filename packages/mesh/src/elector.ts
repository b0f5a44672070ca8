import type { ElectorKind, Epoch } from "./core/epoch.ts";
import type { Quorum } from "./core/quorum.ts";

/** What an elector knows at one instant. */
export interface ElectorView {
  /** Voter id of the leader; null when none is known. */
  readonly leader: string | null;
  readonly epoch: Epoch;
  /** What leadership rests on: a majority of the voters, or etcd's word. */
  readonly quorum: Quorum;
  /** Leader: age of the newest proof that it still leads. Others: null. */
  readonly leaseAgeMs: number | null;
  /** The state of the back end in a few words, for people. */
  readonly detail: string;
}

/**
 * How a leader is chosen. The mesh tells everyone what its elector says, whichever back end decides, and asks it before
 * each privileged act.
 */
export interface Elector {
  readonly kind: ElectorKind;
  /** `onChange` is called after each change of what `view` says. @throws MeshError when its files are unusable */
  start(onChange: () => void): Promise<void>;
  view(): ElectorView;
  /** Whether a privileged act may start at this very moment. */
  leaseHeld(): boolean;
  /** Another server told of this epoch. A newer generation of another back end ends this one's leadership. */
  hearEpoch(epoch: Epoch): void;
  /** Hands leadership over, where it has it, and waits a moment for a successor. */
  resign(): Promise<void>;
  stop(): Promise<void>;
}
