import { type Judgement, toReport } from "../judgement.ts";
import type { Probe, ProbeOutcome } from "../probe.ts";

/** What a host probe is made of: words about it, and one function that reads and judges. */
export interface HostProbe extends Omit<Probe, "run" | "news" | "close"> {
  check(signal: AbortSignal): Promise<Checked>;
}

interface Checked extends Omit<ProbeOutcome, "report"> {
  readonly judgement: Judgement;
}

/** The probe that reports what `check` found. */
export function hostProbe(parts: HostProbe, nowSeconds: () => number): Probe {
  const { check, ...described } = parts;
  const { name, reads } = parts;
  return {
    ...described,
    async run(signal) {
      const startedAt = nowSeconds();
      const { judgement, ...rest } = await check(signal);
      return { report: toReport(name, reads, judgement, nowSeconds(), startedAt), ...rest };
    },
  };
}
