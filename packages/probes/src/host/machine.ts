import { arch, cpus, release } from "node:os";
import { join } from "node:path";
import type { Judgement } from "../judgement.ts";
import { readKernelFile } from "../kernel-file.ts";
import type { Probe } from "../probe.ts";
import { hostProbe } from "./host-probe.ts";

/** What the host is. Empty texts are left out: they are unknown, not blank. */
export interface MachineFacts {
  readonly distribution: string;
  readonly kernel: string;
  readonly architecture: string;
  readonly cpuModel: string;
  /** Maker and model of the server. */
  readonly hardware: string;
}

/** The `PRETTY_NAME` of an os-release file without its quotes; empty where there is none. */
export function parseDistribution(text: string): string {
  const value = /^PRETTY_NAME=(.*)$/m.exec(text)?.[1]?.trim() ?? "";
  return value.replace(/^(["'])(.*)\1$/, "$2");
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

export function createMachineProbe(sysRoot: string, etcRoot: string, nowSeconds: () => number): Probe {
  // None of it changes while this process lives, but for an upgrade of the distribution.
  let hardware: Pick<MachineFacts, "cpuModel" | "hardware"> | null = null;
  return hostProbe(
    {
      name: "machine",
      title: "Machine",
      reads: "/etc/os-release, /sys/class/dmi/id, kernel and CPU model: what this host is",
      intervalSeconds: 3600,
      timeoutSeconds: 5,
      rules: [
        {
          state: "unknown",
          when: "the system tells nothing about itself",
          advice: "Nothing: it is told so that people can see what changed.",
        },
      ],
      cost: "about 1 ms in its first run, then under 0.1 ms",
      async check(signal) {
        const read = async (path: string): Promise<string> => (await readKernelFile(path, signal)) ?? "";
        if (hardware === null) {
          const maker = (await read(join(sysRoot, "class/dmi/id/sys_vendor"))).trim();
          const model = (await read(join(sysRoot, "class/dmi/id/product_name"))).trim();
          hardware = { cpuModel: cpus()[0]?.model.trim() ?? "", hardware: `${maker} ${model}`.trim() };
        }
        return {
          judgement: judgeMachine({
            distribution: parseDistribution(await read(join(etcRoot, "os-release"))),
            kernel: release(),
            architecture: arch(),
            ...hardware,
          }),
        };
      },
    },
    nowSeconds,
  );
}
