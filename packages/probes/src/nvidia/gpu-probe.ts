import { errorText } from "@ringrift/protocol";
import { hostProbe } from "../host/host-probe.ts";
import type { Probe } from "../probe.ts";
import { createProgramRunner, type ProgramRun } from "../program-run.ts";
import type { GpuBoard } from "./gpu-board.ts";
import type { GpuRoster } from "./gpu-roster.ts";
import { judgeHostGpus, type SeenGpus } from "./host-gpus.ts";
import { createNvlinkWatch } from "./nvlink.ts";
import { readGpuHardware } from "./pci-devices.ts";
import { parseSmi, type SmiReport } from "./smi-parse.ts";

export interface GpuProbeOptions {
  readonly nvidiaSmi: string;
  readonly expectedGpus: number | null;
  readonly procRoot: string;
  readonly sysRoot: string;
  readonly roster: GpuRoster;
  readonly board: GpuBoard;
  readonly nowSeconds: () => number;
  /** Time for one call of nvidia-smi; 20 s unless given. */
  readonly smiTimeoutMs?: number;
}

const standardSmiSeconds = 20;
/** Seven seconds more than the call may take: time to kill it and to say so. */
const marginSeconds = 7;
/** Links rarely change, and each question costs a start of nvidia-smi. */
const nvlinkEverySeconds = 300;

export function createGpuProbe(options: GpuProbeOptions): Probe {
  const {
    nvidiaSmi,
    expectedGpus,
    procRoot,
    sysRoot,
    roster,
    board,
    nowSeconds,
    smiTimeoutMs = standardSmiSeconds * 1000,
  } = options;
  const callSmi = createProgramRunner({ program: nvidiaSmi, timeoutMs: smiTimeoutMs, nowSeconds });
  const nvlinks = createNvlinkWatch();
  let nvlinksAskedAt = Number.NEGATIVE_INFINITY;
  let seen: SeenGpus = new Map();

  /** Only after a good answer, so that a driver in trouble is not asked more than it must be. */
  async function askNvlinks(signal: AbortSignal): Promise<void> {
    if (!nvlinks.worthAsking || nowSeconds() - nvlinksAskedAt < nvlinkEverySeconds) return;
    nvlinksAskedAt = nowSeconds();
    const run = await callSmi(["nvlink", "-s"], signal);
    if (run.kind !== "exited" || run.code !== 0) return nvlinks.lose();
    nvlinks.take(run.stdout, nowSeconds());
    if (!nvlinks.worthAsking) return;
    const errors = await callSmi(["nvlink", "-e"], signal);
    nvlinks.takeErrors(errors.kind === "exited" && errors.code === 0 ? errors.stdout : null, nowSeconds());
  }
  return hostProbe(
    {
      name: "gpu",
      title: "NVIDIA GPUs",
      reads: "nvidia-smi -q -x, /sys/bus/pci/devices and /proc/driver/nvidia: every GPU of the host",
      intervalSeconds: 30,
      timeoutSeconds: standardSmiSeconds + marginSeconds,
      rules: [
        {
          state: "unhealthy",
          when: "a card is lost, or fewer answer than expected",
          advice: "Read the kernel log for XID lines of the bus id, drain the node and reboot it.",
        },
        {
          state: "unhealthy",
          when: "a card asks for a reset or reboot, has memory beyond repair, uncorrected ECC errors, or is at its slowdown limit",
          advice: "Drain, then reset or replace the card; check its cooling.",
        },
        {
          state: "degraded",
          when: "a row remap or page retirement waits, the card is warm, slowed by the hardware, or has fewer PCIe lanes under load",
          advice: "Drain and reset when it suits; check cooling, power and slot.",
        },
        {
          state: "unknown",
          when: "nvidia-smi hangs, fails or prints what makes no sense, while the hardware is there",
          advice: "Run nvidia-smi -q on the host; a hung driver needs a reboot.",
        },
        {
          state: "not_applicable",
          when: "no NVIDIA hardware is here and none is expected",
          advice: "Nothing.",
        },
      ],
      cost: "what nvidia-smi takes: 0.1 s to seconds, one call at a time",
      startsProgram: true,
      async check(signal) {
        const noAnswer = { report: null, absent: false };
        const hardware = await readGpuHardware(procRoot, sysRoot, signal).catch((error: unknown) => {
          board.post({ ...noAnswer, at: nowSeconds() });
          throw error;
        });
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
        if (read.report !== null && run.kind === "exited" && run.code === 0) await askNvlinks(signal);
        else {
          nvlinks.lose();
          nvlinksAskedAt = Number.NEGATIVE_INFINITY;
        }
        const judged = judgeHostGpus({ run, ...read, hardware, expectedGpus, seen, nvlinks });
        seen = judged.seen;
        board.post({
          report: read.report !== null && read.report.gpus.length > 0 ? read.report : null,
          absent: judged.judgement.state === "not_applicable",
          at: seenAt,
        });
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
function reportOf(run: ProgramRun): { readonly report: SmiReport | null; readonly fault: string | null } {
  if (run.kind !== "exited") return { report: null, fault: null };
  try {
    return { report: parseSmi(run.stdout), fault: null };
  } catch (error) {
    return { report: null, fault: errorText(error) };
  }
}
