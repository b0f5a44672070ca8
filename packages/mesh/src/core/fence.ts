import { compareEpochs, type Epoch } from "./epoch.ts";

/** The highest epoch that a receiver has obeyed. Lost in a restart, a paused leader could command it once more. */
export type Fence = Epoch;

export const firstFence: Fence = { generation: 0, term: 0 };

export interface Admission {
  readonly accepted: boolean;
  /** The fence from now on; a receiver with a disk keeps one that differs from the one before, and only then obeys. */
  readonly fence: Fence;
}

/** Whether a command of `epoch` may be carried out: a lease alone never proves that nobody else leads. */
export function admit(fence: Fence, epoch: Epoch): Admission {
  const order = compareEpochs(epoch, fence);
  return { accepted: order >= 0, fence: order > 0 ? epoch : fence };
}
