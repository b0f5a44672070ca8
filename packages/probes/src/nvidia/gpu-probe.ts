import { errorText } from "@ringrift/protocol";
import { hostProbe } from "../host/host-probe.ts";
import type { Probe } from "../probe.ts";
import type { GpuRoster } from "./gpu-roster.ts";
import { judgeHostGpus, type SeenGpus } from "./host-gpus.ts";
import { readGpuHardware } from "./pci-devices.ts";
import { parseSmi, type SmiReport } from "./smi-parse.ts";
import { createSmiRunner, type SmiRun } from "./smi-process.ts";

export interface GpuProbeOptions {
  readonly nvidiaSmi: string;
  readonly expectedGpus: number | null;
  readonly procRoot: string;
  readonly sysRoot: string;
  readonly roster: GpuRoster;
  readonly nowSeconds: () => number;
  /** Time for one call of nvidia-smi; 20 s unless given. */
  readonly smiTimeoutMs?: number;
}

/** Seven seconds more than the call may take: time to kill it and to say so. */
const marginSeconds = 7;

export function createGpuProbe(options: GpuProbeOptions): Probe {
  const { nvidiaSmi, expectedGpus, procRoot, sysRoot, roster, nowSeconds, smiTimeoutMs = 20_000 } = options;
  const callSmi = createSmiRunner({ program: nvidiaSmi, timeoutMs: smiTimeoutMs, nowSeconds });
  let seen: SeenGpus = new Map();
  return hostProbe(
    {
      name: "gpu",
      title: "NVIDIA GPUs",
      reads: "nvidia-smi -q -x, /sys/bus/pci/devices and /proc/driver/nvidia: every GPU of the host",
      intervalSeconds: 30,
      timeoutSeconds: smiTimeoutMs / 1000 + marginSeconds,
      async check(signal) {
        const hardware = await readGpuHardware(procRoot, sysRoot, signal);
        const run = await callSmi(["-q", "-x"], signal);
        const read = reportOf(run);
        const seenAt = nowSeconds();
        for (const { busId, index, uuid, recoveryAction, tellsRecovery } of read.report?.gpus ?? [])
          roster.update({
            busId,
            index,
            uuid,
            recoveryAction: tellsRecovery ? recoveryAction : undefined,
            seenAt,
          });
        const judged = judgeHostGpus({ run, ...read, hardware, expectedGpus, seen });
        seen = judged.seen;
        return {
          judgement: judged.judgement,
          gpus: judged.gpus,
          resources: { gpuUtilizationRatio: judged.utilizationRatio },
        };
      },
    },
    nowSeconds,
  );
}

/** A failed call may still have printed a whole document: one bad card does not take the others' rows with it. */
function reportOf(run: SmiRun): { readonly report: SmiReport | null; readonly fault: string | null } {
  if (run.kind !== "exited") return { report: null, fault: null };
  try {
    return { report: parseSmi(run.stdout), fault: null };
  } catch (error) {
    return { report: null, fault: errorText(error) };
  }
}
