import { type SignalState, worstSignal } from "@ringrift/protocol";
import { clip, type Judgement, type Measure } from "../../judgement.ts";
import type { GpuRoster } from "../../nvidia/gpu-roster.ts";
import type { KeptFault } from "./fault-book.ts";
import type { KernelFaults } from "./kernel-faults.ts";
import type { ErrorAction, ErrorSeverity } from "./xid-catalog.ts";

/** What a poll of the log knows, as far as it is judged. */
export interface KernelLogEvidence {
  readonly faults: KernelFaults;
  readonly from: string;
  readonly problem: { readonly reason: string; readonly action: string; readonly absent: boolean } | null;
  readonly memoryProblem: string | null;
  readonly linesRead: number;
  readonly linesLost: number;
}

/** What should be there. `logWanted`: the operator named a log; `gpus`: this host has or should have NVIDIA hardware. */
export interface KernelLogExpectation {
  readonly logWanted: boolean;
  readonly gpus: boolean;
}

const states: Readonly<Record<ErrorSeverity, SignalState>> = {
  info: "healthy",
  warning: "degraded",
  error: "unhealthy",
  critical: "unhealthy",
};
const actionWords: Readonly<Record<ErrorAction, string>> = {
  ignore: "nothing to do",
  restart_app: "restart the application",
  reset_gpu: "reset the GPU",
  reboot: "reboot the host",
  inspect_hardware: "inspect the hardware",
};
const maxNamed = 5;
const maxListed = 32;
const reasonLength = 160;

/** Judges the errors of GPUs and NVSwitches (Xid, SXid). */
export function judgeXids(
  evidence: KernelLogEvidence,
  expected: KernelLogExpectation,
  roster: GpuRoster,
  nowSeconds: number,
): Judgement {
  const kept = evidence.faults.gpuFaults(nowSeconds);
  const measures: Measure[] = evidence.faults
    .errorCounts()
    .map(({ kind, busId, code, count }) =>
      kind === "xid"
        ? { name: "gpu_xid_errors_total", labels: { ...roster.labels(busId), xid: code }, value: count }
        : { name: "nvswitch_sxid_errors_total", labels: { switch: busId, sxid: code }, value: count },
    );
  if (kept.length === 0 && !expected.gpus && (evidence.problem === null || !expected.logWanted))
    return {
      state: "not_applicable",
      reason: `no NVIDIA hardware here${evidence.problem === null ? ", and no error of any in the kernel log" : ""}`,
      measures,
    };
  const quiet = "no GPU error in the kernel log that still counts";
  return judge(evidence, kept, expected.logWanted || expected.gpus, quiet, measures, nowSeconds);
}

/** Judges what the log tells of the host beside its GPUs. */
export function judgeKernelLog(
  evidence: KernelLogEvidence,
  expected: KernelLogExpectation,
  nowSeconds: number,
): Judgement {
  const { faults, problem } = evidence;
  const kept = faults.hostFaults(nowSeconds).filter(({ count, needed }) => count >= needed);
  const read = problem === null;
  const total = (name: string, value: number, labels: Readonly<Record<string, string>> = {}): Measure =>
    read || value > 0 ? { name, labels, value } : { name, labels, value: null, absence: "unknown" };
  const measures = [
    ...Object.entries(faults.kindCounts()).map(([kind, count]) =>
      total("kernel_log_faults_total", count, { kind }),
    ),
    total("kernel_log_lines_total", evidence.linesRead),
    total("kernel_log_lost_lines_total", evidence.linesLost),
    total("kernel_log_untold_errors_total", faults.untold),
  ];
  return judge(
    evidence,
    kept,
    expected.logWanted,
    "no fault in the kernel log that still counts",
    measures,
    nowSeconds,
  );
}

function judge(
  { from, problem, memoryProblem, linesLost }: KernelLogEvidence,
  kept: readonly KeptFault[],
  wanted: boolean,
  quiet: string,
  measures: readonly Measure[],
  nowSeconds: number,
): Judgement {
  const details = {
    from,
    linesLost,
    memoryProblem,
    faults: kept.slice(0, maxListed).map((fault) => listed(fault, nowSeconds)),
    faultsLeftOut: Math.max(0, kept.length - maxListed),
  };
  const serious = kept.filter(({ severity }) => severity !== "info");
  if (problem !== null && serious.length === 0) {
    const state = problem.absent && !wanted ? "not_applicable" : "unknown";
    return { state, reason: problem.reason, action: problem.action, details, measures };
  }
  if (serious.length === 0) {
    const notes = kept.map(({ reason }) => reason);
    const reason = notes.length === 0 ? quiet : `${quiet}; noted: ${clip(notes.join("; "), 400)}`;
    return { state: "healthy", reason, details, measures };
  }
  const worstFirst = [...serious].sort((a, b) => weight(b) - weight(a) || b.lastAt - a.lastAt);
  const named = worstFirst.slice(0, maxNamed).map(sentence);
  const more = serious.length - named.length;
  return {
    state: worstSignal(serious.map(({ severity }) => states[severity])),
    reason: [
      ...(problem === null ? [] : [problem.reason]),
      ...named,
      ...(more > 0 ? [`and ${more} more`] : []),
    ].join("; "),
    action: [...new Set(worstFirst.map(({ advice }) => advice))].slice(0, 3).join(" "),
    details,
    measures,
  };
}

function weight({ severity }: KeptFault): number {
  return ["info", "warning", "error", "critical"].indexOf(severity);
}

function sentence({ reason, count, action }: KeptFault): string {
  return `${clip(reason, reasonLength)}${count > 1 ? ` (${count} times)` : ""} -> ${actionWords[action]}`;
}

function listed(fault: KeptFault, nowSeconds: number): Record<string, unknown> {
  const { subject, severity, action, reason, advice, count, firstAt, lastAt, bootId } = fault;
  const ageSeconds = Math.max(0, Math.round(nowSeconds - lastAt));
  return {
    subject,
    severity,
    action,
    reason: clip(reason, 400),
    advice,
    count,
    firstAt,
    lastAt,
    ageSeconds,
    bootId,
  };
}
