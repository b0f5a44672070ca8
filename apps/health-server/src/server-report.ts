// core: pure
import { credentialsReport } from "@ringrift/mesh";
import type { CheckReport, NodeReport, StatusProof, ThresholdValues } from "@ringrift/protocol";

/** A check is made anew after this, so that its failures in a row are counted as those of other checks are. */
const checkEverySeconds = 60;

export interface ServerReportOptions {
  readonly version: string;
  /** Seconds since 1970. */
  readonly startedAt: number;
  readonly proof: () => StatusProof;
  readonly thresholds: ThresholdValues;
}

/** What a server tells of itself: it has no host to look at, but what it proves itself with. */
export class ServerReport {
  readonly #options: ServerReportOptions;
  #check: CheckReport | null = null;
  #seq = 0;

  constructor(options: ServerReportOptions) {
    this.#options = options;
  }

  /** Lets the next report look anew, after a reload. */
  renew(): void {
    this.#check = null;
  }

  full(nowSeconds: number): NodeReport {
    const { version, startedAt, proof, thresholds } = this.#options;
    const age = this.#check === null ? Number.POSITIVE_INFINITY : nowSeconds - this.#check.observedAt;
    // A clock that was set back must not keep an old answer.
    if (this.#check === null || age >= checkEverySeconds || age < 0)
      this.#check = credentialsReport(proof(), thresholds, nowSeconds);
    this.#seq += 1;
    return {
      full: true,
      seq: this.#seq,
      sentAt: nowSeconds,
      version,
      startedAt,
      checks: [this.#check],
    };
  }
}
