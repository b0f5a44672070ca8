import type { AgreedView } from "../agreed.ts";
import type { Elector } from "../elector.ts";
import { MeshError } from "../mesh-error.ts";

/** A back end that several servers share: it names one leader and keeps one value. */
export class SharedBackEnd {
  leader: string | null = "v1";
  agreed: AgreedView = { value: "", stamp: "0.0", confirmed: true };
  /** Stamps over which a write was tried. */
  readonly tried: string[] = [];
  /** What a write waits for. */
  gate: Promise<void> = Promise.resolve();

  /** One server's elector. */
  of(voter: string): Elector {
    const leads = (): boolean => this.leader === voter;
    return {
      kind: "etcd",
      start: async () => undefined,
      view: () => ({
        leader: this.leader,
        epoch: { generation: 2, term: 7 },
        quorum: { configured: true, held: true, have: 1, need: 1 },
        leaseAgeMs: null,
        detail: "shared",
      }),
      leaseHeld: leads,
      hearEpoch: () => undefined,
      agreed: () => this.agreed,
      agree: async (value, over) => {
        this.tried.push(over);
        await this.gate;
        if (over !== this.agreed.stamp) throw new MeshError("Moved.", { code: "AGREED_MOVED" });
        return this.write(value);
      },
      resign: async () => undefined,
      stop: async () => undefined,
    };
  }

  write(value: string): AgreedView {
    const version = Number(this.agreed.stamp.split(".")[1]) + 1;
    this.agreed = { value, stamp: `7.${version}`, confirmed: true };
    return this.agreed;
  }
}
