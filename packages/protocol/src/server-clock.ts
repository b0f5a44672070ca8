/** How far a node's clock is from a server's, as one question over the mesh and its answer told. */
export interface ServerClock {
  /** Node id of the server. */
  readonly server: string;
  /** By how much this node's clock is ahead of the server's. */
  readonly offsetSeconds: number;
  /** The true offset lies within so much of it: half of the way there and back. */
  readonly uncertaintySeconds: number;
  /** Age of the answer. */
  readonly ageSeconds: number;
}
