import { cpu, osInfo } from "systeminformation";
import type { Judgement } from "../judgement.ts";
import type { Probe } from "../probe.ts";
import { hostProbe } from "./host-probe.ts";

/** What the host is. Empty texts are left out: they are unknown, not blank. */
export interface MachineFacts {
  readonly distribution: string;
  readonly release: string;
  readonly kernel: string;
  readonly architecture: string;
  readonly cpuModel: string;
}

/** Static facts have no fault; they are told so that people can see what changed. */
export function judgeMachine(facts: MachineFacts): Judgement {
  const known = Object.entries(facts).filter(([, text]) => text.trim() !== "");
  if (known.length === 0) {
    return { state: "unknown", reason: "the operating system tells nothing about this host" };
  }
  return {
    state: "healthy",
    reason: known.map(([, text]) => text).join(", "),
    details: Object.fromEntries(known),
  };
}

export function createMachineProbe(nowSeconds: () => number): Probe {
  return hostProbe(
    {
      name: "machine",
      title: "Machine",
      reads: "operating system, kernel and CPU model, by the systeminformation library",
      intervalSeconds: 3600,
      timeoutSeconds: 15,
      async check() {
        const [system, processor] = [await osInfo(), await cpu()];
        return {
          judgement: judgeMachine({
            distribution: system.distro,
            release: system.release,
            kernel: system.kernel,
            architecture: system.arch,
            cpuModel: `${processor.manufacturer} ${processor.brand}`,
          }),
        };
      },
    },
    nowSeconds,
  );
}
