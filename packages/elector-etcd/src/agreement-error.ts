// core: pure
import { EtcdError } from "./elector-error.ts";

/** Why a write of what the servers agree on did not succeed, as far as is known. */
export type Disagreement = "not_leader" | "moved" | "unknown";

export function agreementError(what: Disagreement, why = "no endpoint answered in time"): EtcdError {
  switch (what) {
    case "not_leader":
      return new EtcdError("This server does not hold etcd's key of the leader now; nothing was changed.", {
        code: "NO_LEADER",
        nextStep: "Try again in a moment; `ringrift leader` shows who leads.",
      });
    case "moved":
      return new EtcdError("What the servers agreed on has changed meanwhile; nothing was changed.", {
        code: "AGREED_MOVED",
        nextStep: "Try again.",
      });
    case "unknown":
      return new EtcdError(`Whether etcd took it is not known: ${why}`, {
        code: "NOT_AGREED",
        nextStep: "Look whether it took effect before you ask again.",
      });
  }
}
