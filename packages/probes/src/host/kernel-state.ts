import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Judgement } from "../judgement.ts";
import { requireKernelFile } from "../kernel-file.ts";
import { parseCount } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { badInput } from "../probe-error.ts";
import { hostProbe } from "./host-probe.ts";

/** Bits of the kernel's taint mask that tell of trouble. Foreign modules (bits 0, 12, 13), as GPU drivers are, do not. */
const troubles: readonly (readonly [bit: number, meaning: string])[] = [
  [4, "a machine check was reported"],
  [5, "a bad memory page was found"],
  [7, "the kernel has died and gone on (oops)"],
  [14, "a soft lockup has happened"],
];
const warnings: readonly (readonly [bit: number, meaning: string])[] = [
  [1, "a module was loaded by force"],
  [9, "the kernel has warned"],
  [11, "firmware has a known fault"],
];

/** What the taint mask says: the troubles of this boot, and what is worth knowing. */
function readTaints(mask: number): { readonly troubles: string[]; readonly notes: string[] } {
  // The mask has more than 31 bits, so it is divided and not shifted.
  const has = ([bit]: readonly [number, string]): boolean => Math.floor(mask / 2 ** bit) % 2 === 1;
  return {
    troubles: troubles.filter(has).map(([, meaning]) => meaning),
    notes: warnings.filter(has).map(([, meaning]) => meaning),
  };
}

export function judgeKernel(mask: number, rebootRequired: boolean): Judgement {
  const taints = readTaints(mask);
  const notes = [...taints.notes, ...(rebootRequired ? ["updates wait for a reboot"] : [])];
  const bad = taints.troubles.length > 0;
  return {
    state: bad ? "degraded" : "healthy",
    reason: bad ? taints.troubles.join("; ") : notes.length > 0 ? notes.join("; ") : "no trouble since boot",
    ...(bad ? { action: "Read dmesg for what happened, drain the host and reboot it." } : {}),
    details: { taintMask: mask, notes, rebootRequired },
    measures: [
      { name: "kernel_taint_mask", value: mask },
      { name: "reboot_required", value: rebootRequired ? 1 : 0 },
    ],
  };
}

export function createKernelStateProbe(procRoot: string, runRoot: string, nowSeconds: () => number): Probe {
  return hostProbe(
    {
      name: "kernel",
      title: "Kernel state",
      reads:
        "/proc/sys/kernel/tainted and /run/reboot-required: trouble since boot, and updates that wait for one",
      intervalSeconds: 60,
      timeoutSeconds: 5,
      rules: [
        {
          state: "degraded",
          when: "the taint mask tells of a machine check (bit 4), a bad page (5), an oops (7) or a soft lockup (14)",
          advice: "Read dmesg for what happened, drain the host and reboot it.",
        },
        {
          state: "healthy",
          when: "updates wait for a reboot, or the kernel has warned: told as a note",
          advice: "Reboot when the host is free.",
        },
      ],
      cost: "under 0.1 ms",
      async check(signal) {
        const mask = parseCount(
          (await requireKernelFile(join(procRoot, "sys/kernel/tainted"), signal)).trim(),
        );
        if (mask === null) throw badInput("/proc/sys/kernel/tainted", "one number");
        const rebootRequired =
          existsSync(join(runRoot, "reboot-required")) || existsSync(join(runRoot, "reboot-needed"));
        return { judgement: judgeKernel(mask, rebootRequired) };
      },
    },
    nowSeconds,
  );
}
