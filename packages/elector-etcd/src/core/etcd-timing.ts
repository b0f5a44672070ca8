/** Times of an election by etcd, milliseconds. */
export interface EtcdTiming {
  /** What is asked of etcd for a lease; it may grant more. */
  readonly ttlMs: number;
  /** Between two renewals of the lease, and between two readings of the leader's key. */
  readonly everyMs: number;
  /** After a question that no endpoint answered. */
  readonly retryMs: number;
}

/** etcd's own shortest lease is two seconds at its default timings. */
export const defaultEtcdTiming: EtcdTiming = { ttlMs: 3_000, everyMs: 500, retryMs: 200 };

/** Two clocks may differ in speed by this ratio before a lease here and its expiry in etcd could overlap. */
const clockDriftAllowance = 1.25;

/** How long after sending a renewal that etcd answered with `ttlMs` a leader may act. */
export function leaseMs(ttlMs: number): number {
  return ttlMs / clockDriftAllowance;
}
