// core: pure
import type { DaemonHealth } from "@ringrift/protocol";

/** Daemons that died since the last word on daemons: one that is back already has died all the same. */
export class Deaths {
  readonly #reasons = new Map<string, string>();

  note(daemon: string, reason: string): void {
    this.#reasons.set(daemon, reason);
  }

  /** The daemons as they were between death and return; null where nobody who died is back. Each death is given out once. */
  take(daemons: readonly DaemonHealth[]): readonly DaemonHealth[] | null {
    const reasons = new Map(this.#reasons);
    this.#reasons.clear();
    const isBack = ({ name, state }: DaemonHealth): boolean => reasons.has(name) && isUp(state);
    if (!daemons.some(isBack)) return null;
    return daemons.map((daemon) =>
      isBack(daemon)
        ? { ...daemon, state: "failed", ready: false, pid: null, reason: reasons.get(daemon.name) ?? "" }
        : daemon,
    );
  }
}

function isUp(state: DaemonHealth["state"]): boolean {
  return state === "starting" || state === "running";
}
