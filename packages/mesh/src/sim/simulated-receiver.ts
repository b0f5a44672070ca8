import type { Epoch } from "../core/epoch.ts";
import { admit, type Fence, firstFence } from "../core/fence.ts";
import type { Fact } from "./invariant.ts";

/** An agent that obeys leaders: it keeps its fence on disk and loses everything else in a crash. */
export interface SimulatedReceiver {
  readonly id: string;
  readonly command: (epoch: Epoch) => void;
  readonly crash: () => void;
}

export function createSimulatedReceiver(id: string, see: (fact: Fact) => void): SimulatedReceiver {
  let disk: Fence = firstFence;
  let fence = disk;
  return {
    id,
    command: (epoch) => {
      const admission = admit(fence, epoch);
      if (admission.fence !== fence) disk = admission.fence;
      fence = admission.fence;
      if (admission.accepted) see({ type: "command_accepted", receiver: id, epoch });
    },
    crash: () => {
      fence = disk;
    },
  };
}
