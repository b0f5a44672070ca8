import { compareEpochs, type Epoch, formatEpoch } from "../../core/epoch.ts";
import type { Invariant } from "../invariant.ts";

export const commandsAreFenced: Invariant = {
  name: "no receiver obeys an earlier leader after a later one",
  sees: ["command_accepted"],
  watch: () => {
    const highest = new Map<string, Epoch>();
    return (fact) => {
      if (fact.type !== "command_accepted") return null;
      const { receiver, epoch } = fact;
      const before = highest.get(receiver);
      if (before === undefined || compareEpochs(epoch, before) >= 0) {
        highest.set(receiver, epoch);
        return null;
      }
      return `${receiver} obeys epoch ${formatEpoch(epoch)} after ${formatEpoch(before)}`;
    };
  },
};
