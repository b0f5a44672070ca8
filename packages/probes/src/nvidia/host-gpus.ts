import { type GpuStatus, type SignalState, worstSignal } from "@ringrift/protocol";
import { clip, type Judgement } from "../judgement.ts";
import type { ProgramRun } from "../program-run.ts";
import { cardName, cardReasons } from "./card-reasons.ts";
import { type GpuVerdict, judgeGpu } from "./gpu.ts";
import { gpuMeasures } from "./gpu-measures.ts";
import type { NvlinkWatch } from "./nvlink.ts";
import type { GpuHardware } from "./pci-devices.ts";
import { explainRun, lostBusIds, type SmiFailure, saysNoDevices } from "./smi-failure.ts";
import type { GpuFacts, SmiReport } from "./smi-parse.ts";

/** A card this process has seen answer, by its bus id. */
export type SeenGpus = ReadonlyMap<string, Pick<GpuStatus, "index" | "uuid" | "busId" | "name">>;

/** What was read in one run. `report` is null when the output held no complete document; `fault` says why. */
export interface GpuObservation {
  readonly run: ProgramRun;
  readonly report: SmiReport | null;
  readonly fault: string | null;
  readonly hardware: GpuHardware;
  readonly expectedGpus: number | null;
  readonly seen: SeenGpus;
  readonly nvlinks?: NvlinkWatch;
}

export interface GpuJudgement {
  readonly judgement: Judgement;
  /** Null is unknown, `[]` is a host without any. */
  readonly gpus: readonly GpuStatus[] | null;
  readonly utilizationRatio: number | null;
  readonly seen: SeenGpus;
}

const maxSeen = 64;
const maxProcessesTold = 16;

/** Judges all cards of a host together: each card, and whether all are there that should be. */
export function judgeHostGpus(observation: GpuObservation): GpuJudgement {
  const { report, run } = observation;
  if (report !== null && report.gpus.length > 0) return judgeListed(observation, report);
  const foundNone = saysNoDevices(run) || report !== null;
  if (run.kind === "missing" || foundNone || isCpuHost(observation)) return judgeNone(observation, foundNone);
  return judgeFailure(observation);
}

/** Images with the driver's tools also run on hosts without GPUs, where nvidia-smi ends with 9 (no driver). */
function isCpuHost({ run, hardware, seen }: GpuObservation): boolean {
  return run.kind === "exited" && run.code === 9 && seen.size === 0 && confirmedAbsent(hardware);
}

function confirmedAbsent(hardware: GpuHardware): boolean {
  return hardware.pciGpus?.length === 0 && !hardware.driverLoaded;
}

function judgeListed(observation: GpuObservation, report: SmiReport): GpuJudgement {
  const { run, hardware, seen, expectedGpus } = observation;
  const { nvlinks } = observation;
  const linkFault = ({ uuid }: GpuFacts): string | null => nvlinks?.fault(uuid) ?? null;
  const slotWidths = new Map(hardware.pciGpus?.map((gpu) => [gpu.busId, gpu.slotWidth]));
  const judged = report.gpus.map((facts) => ({
    facts,
    verdict: judgeGpu(facts, slotWidths.get(facts.busId) ?? null, linkFault(facts)),
  }));
  const listed = judged.map(({ facts, verdict }) => statusOf(facts, verdict));
  const present = new Set(listed.map((gpu) => gpu.busId));
  const lost = lostGpus(seen, lostBusIds(`${report.notices}\n${errorOutput(run)}`), present);
  const findings = [
    ...countFindings(observation, report, lost),
    ...(run.kind === "exited" && run.code !== 0 ? [exitFinding(run)] : []),
  ];
  const gpus = [...lost, ...listed].slice(0, maxSeen);
  const states: SignalState[] = [
    ...gpus.map((gpu) => gpu.state),
    ...findings.map((finding) => finding.state),
  ];
  const reasons = [
    ...findings.map((finding) => finding.reason),
    ...cardReasons(gpus.filter((gpu) => gpu.state !== "healthy")),
  ];
  const actions = [
    ...judged.flatMap(({ verdict }) => verdict.findings).map((finding) => finding.action),
    ...findings.map((finding) => finding.action),
    ...(lost.length > 0 ? [lostAction] : []),
  ];
  const known = report.gpus.flatMap(({ utilization }) =>
    utilization.value === null ? [] : [utilization.value],
  );
  return {
    judgement: {
      state: worstSignal(states),
      reason:
        reasons.length > 0
          ? reasons.join("; ")
          : `${listed.length} ${listed.length === 1 ? "GPU" : "GPUs"} healthy`,
      ...(actions.length > 0 ? { action: [...new Set(actions)].join(" ") } : {}),
      details: {
        driverVersion: report.driverVersion,
        expected: expectedGpus,
        listed: listed.length,
        notListed: (hardware.pciGpus ?? []).map((gpu) => gpu.busId).filter((id) => !present.has(id)),
        gpus: judged.map(({ facts, verdict }) => detailsOf(facts, verdict)),
      },
      measures: [
        { name: "gpus", value: listed.length },
        ...(expectedGpus === null ? [] : [{ name: "gpus_expected", value: expectedGpus }]),
        ...report.gpus.flatMap(gpuMeasures),
        ...report.gpus.flatMap(({ index, uuid }) => nvlinks?.measures({ gpu: String(index), uuid }) ?? []),
      ],
    },
    gpus,
    utilizationRatio: known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length,
    seen: remember(seen, listed),
  };
}

interface HostFinding extends SmiFailure {
  readonly state: "unknown" | "unhealthy";
}

function countFindings(
  { expectedGpus, hardware }: GpuObservation,
  report: SmiReport,
  lost: readonly GpuStatus[],
): HostFinding[] {
  const present = new Set(report.gpus.map((gpu) => gpu.busId));
  const silent = (hardware.pciGpus ?? []).filter((gpu) => !present.has(gpu.busId));
  const count = report.gpus.length;
  if (expectedGpus !== null && count < expectedGpus) {
    const named = [...new Set([...lost.map((gpu) => gpu.busId), ...silent.map((gpu) => gpu.busId)])];
    const where = named.length > 0 ? ` (missing: ${named.join(", ")})` : "";
    return [
      { state: "unhealthy", reason: `${count} of ${expectedGpus} GPUs answer${where}`, action: lostAction },
    ];
  }
  if (report.attachedGpus !== null && report.attachedGpus > count + lost.length) {
    const reason = `the driver counts ${report.attachedGpus} GPUs and describes ${count}`;
    return [{ state: "unknown", reason, action: "Run `nvidia-smi -L` on the host and compare." }];
  }
  return [];
}

const lostAction = "Read the kernel log for XID lines of the bus id, drain the node and reboot it.";

/** Good rows are kept when nvidia-smi fails over one card; that it failed is told beside them. */
function exitFinding(run: ProgramRun): HostFinding {
  return { state: "unknown", ...explainRun(run) };
}

/** Cards that answered before, or that nvidia-smi names as lost, and are not listed now. */
function lostGpus(seen: SeenGpus, namedLost: readonly string[], present: ReadonlySet<string>): GpuStatus[] {
  const gone = new Map([...seen].filter(([key]) => !present.has(key)));
  for (const busId of namedLost) {
    if (!present.has(busId) && !gone.has(busId)) gone.set(busId, { index: null, uuid: "", busId, name: "" });
  }
  return [...gone.values()].map((gpu) => ({
    ...gpu,
    // The others' indexes move up, so its own may name another card now.
    index: null,
    state: "unhealthy" as const,
    reason: `lost: nvidia-smi no longer lists it${gpu.index === null ? "" : ` (it was GPU ${gpu.index})`}`,
    utilizationRatio: null,
  }));
}

/** @param foundNone nvidia-smi works and lists no card, which is more than its absence says. */
function judgeNone(observation: GpuObservation, foundNone: boolean): GpuJudgement {
  const { run, hardware, expectedGpus, seen } = observation;
  const lost = lostGpus(seen, [], new Set());
  const details = { ...hardwareDetails(observation), listed: 0 };
  const rest = { utilizationRatio: null, seen };
  if (foundNone && lost.length > 0) {
    const reason = `all GPUs are lost: ${lost.map(cardName).join(", ")}`;
    return { ...rest, gpus: lost, judgement: { state: "unhealthy", reason, action: lostAction, details } };
  }
  const why = foundNone ? "nvidia-smi finds no GPU" : explainRun(run).reason;
  const wanted = expectedGpus !== null && expectedGpus > 0;
  if (wanted && (foundNone || (confirmedAbsent(hardware) && lost.length === 0))) {
    const reason = `${expectedGpus} GPUs are expected and there is none: ${why}`;
    const action = "Check lspci -d 10de: and the driver, or set the expected number of GPUs to 0.";
    return { ...rest, gpus: [], judgement: { state: "unhealthy", reason, action, details } };
  }
  const evidence = (hardware.pciGpus?.length ?? 0) > 0 || hardware.driverLoaded || lost.length > 0;
  if (!wanted && !evidence) {
    const reason = "no NVIDIA GPU here and none is expected";
    return { ...rest, gpus: [], judgement: { state: "not_applicable", reason, details } };
  }
  const reason = evidence
    ? `NVIDIA hardware is here, but ${why}`
    : `${expectedGpus} GPUs are expected, but ${why}`;
  const { action } = explainRun(run);
  return { ...rest, gpus: null, judgement: { state: "unknown", reason, action, details } };
}

function judgeFailure(observation: GpuObservation): GpuJudgement {
  const { run, fault, seen } = observation;
  const exitedWell = run.kind === "exited" && run.code === 0;
  const { reason, action } =
    exitedWell && fault !== null
      ? { reason: fault, action: "Run `nvidia-smi -q -x` on the host and look at what it prints." }
      : explainRun(run);
  const details = { ...hardwareDetails(observation), driverHang: run.kind === "hung" };
  const named = lostBusIds(errorOutput(run));
  if (named.length === 0) {
    const judgement: Judgement = { state: "unknown", reason, action, details };
    return { judgement, gpus: null, utilizationRatio: null, seen };
  }
  // It names the card it lost; of the others nothing is known.
  const keys = new Set(named);
  const others = [...seen].filter(([key]) => !keys.has(key));
  const lost = lostGpus(new Map([...seen].filter(([key]) => keys.has(key))), named, new Set());
  const gpus = [
    ...lost,
    ...others.map(([, gpu]) => ({ ...gpu, state: "unknown" as const, reason, utilizationRatio: null })),
  ];
  const judgement: Judgement = {
    state: "unhealthy",
    reason: `lost: ${lost.map(cardName).join(", ")}; ${reason}`,
    action,
    details,
  };
  return { judgement, gpus, utilizationRatio: null, seen };
}

function errorOutput(run: ProgramRun): string {
  if (run.kind !== "exited") return "";
  return run.stdout.includes("<nvidia_smi_log") ? run.stderr : `${run.stdout}\n${run.stderr}`;
}

function hardwareDetails({ hardware, expectedGpus }: GpuObservation): Record<string, unknown> {
  return {
    expected: expectedGpus,
    pciGpus: hardware.pciGpus?.map((gpu) => gpu.busId) ?? null,
    driverLoaded: hardware.driverLoaded,
  };
}

function statusOf(facts: GpuFacts, verdict: GpuVerdict): GpuStatus {
  return {
    index: facts.index,
    uuid: clip(facts.uuid, 200),
    busId: clip(facts.busId, 200),
    name: clip(facts.name, 200),
    state: verdict.state,
    reason: clip(verdict.reason, 1000),
    utilizationRatio: facts.utilization.value,
  };
}

function detailsOf(facts: GpuFacts, verdict: GpuVerdict): Record<string, unknown> {
  return {
    index: facts.index,
    busId: clip(facts.busId, 200),
    uuid: clip(facts.uuid, 200),
    name: clip(facts.name, 200),
    state: verdict.state,
    findings: verdict.findings,
    notes: verdict.notes,
    recoveryAction: facts.recoveryAction,
    migEnabled: facts.migEnabled,
    migDevices: facts.migDevices.length,
    virtualization: facts.virtualization,
    fabric: facts.fabric,
    processes:
      facts.processes?.slice(0, maxProcessesTold).map(({ pid, type, name, memoryBytes }) => ({
        pid,
        type,
        name,
        memoryBytes: memoryBytes.value,
      })) ?? null,
  };
}

/** Cards stay remembered when they vanish: that is what makes a lost one nameable. */
function remember(seen: SeenGpus, listed: readonly GpuStatus[]): SeenGpus {
  const all = new Map(seen);
  for (const { index, uuid, busId, name } of listed) {
    if (all.size < maxSeen || all.has(busId)) all.set(busId, { index, uuid, busId, name });
  }
  return all;
}
