import { type SignalState, worstSignal } from "@ringrift/protocol";
import { fabricFault } from "./fabric.ts";
import type { GpuFacts, Temperatures } from "./smi-parse.ts";
import type { Cell } from "./smi-value.ts";

/** One thing that is wrong with a card, and what to do about it. */
interface GpuFinding {
  readonly state: Exclude<SignalState, "healthy" | "not_applicable">;
  readonly reason: string;
  readonly action: string;
}

export interface GpuVerdict {
  readonly state: SignalState;
  readonly reason: string;
  readonly findings: readonly GpuFinding[];
  /** Facts worth telling that are no fault. */
  readonly notes: readonly string[];
}

/** Degrees below its slowdown limit at which a card is too warm. */
const warmMarginCelsius = 5;
/** Utilisation from which a narrow link costs something. */
const busyRatio = 0.1;

const drainAndReset = "Drain the GPU, then reset it (nvidia-smi --gpu-reset -i BUS_ID) or reboot the host.";
const replace = "Drain the node and have the GPU replaced.";
const cool = "Check fans, airflow, inlet temperature and power cap.";

/**
 * Judges one card by its own limits and by what the driver says of it. Load is never a fault.
 * @param slotWidth Lanes of the slot the card sits in; null when unknown, as in virtual machines.
 * @param linkFault Which NVLinks went down or failed to recover; null when none did or nobody knows.
 */
export function judgeGpu(
  facts: GpuFacts,
  slotWidth: number | null,
  linkFault: string | null = null,
): GpuVerdict {
  const findings = [
    ...faultFindings(facts),
    ...recoveryFindings(facts),
    ...memoryFindings(facts),
    ...temperatureFindings(facts.temperatures),
    ...slowdownFindings(facts),
    ...linkFindings(facts, slotWidth),
    ...fabricFindings(facts),
    ...(linkFault === null ? [] : [linkDown(linkFault)]),
    ...silenceFindings(facts),
  ];
  const state = findings.length === 0 ? "healthy" : worstSignal(findings.map((finding) => finding.state));
  const notes = notesOf(facts, slotWidth);
  const worstFirst = [...findings].sort((a, b) => Number(b.state === state) - Number(a.state === state));
  return {
    state,
    reason: (findings.length === 0 ? notes : worstFirst.map((finding) => finding.reason)).join("; "),
    findings: worstFirst,
    notes,
  };
}

function faultFindings({ fault }: GpuFacts): GpuFinding[] {
  if (fault === "lost") {
    return [
      {
        state: "unhealthy",
        reason: "the driver has lost the GPU",
        action: "Drain the node and reboot it; if the GPU is lost again, have it inspected.",
      },
    ];
  }
  return fault === "requires_reset"
    ? [{ state: "unhealthy", reason: "the GPU requires a reset", action: drainAndReset }]
    : [];
}

function recoveryFindings({ recoveryAction, fault }: GpuFacts): GpuFinding[] {
  if (recoveryAction === null || fault !== null) return [];
  const urgent = /^(gpu )?(reset|reboot|node reboot)/i.test(recoveryAction);
  return [
    {
      state: urgent ? "unhealthy" : "degraded",
      reason: `the driver asks for "${recoveryAction}"`,
      action: /reboot/i.test(recoveryAction) ? "Drain the node and reboot it." : drainAndReset,
    },
  ];
}

function memoryFindings(facts: GpuFacts): GpuFinding[] {
  const findings: GpuFinding[] = [];
  if (facts.remapFailure.value === true) {
    findings.push({ state: "unhealthy", reason: "row remapping has failed", action: replace });
  } else if (facts.remapPending.value === true) {
    findings.push({ state: "degraded", reason: "a row remap waits for a reset", action: drainAndReset });
  }
  if (facts.unrepairableMemory.value === true) {
    findings.push({ state: "unhealthy", reason: "memory is beyond repair", action: replace });
  }
  if (facts.sramThresholdExceeded.value === true) {
    findings.push({ state: "unhealthy", reason: "too many SRAM errors over its life", action: replace });
  }
  if (facts.retirementPending.value === true) {
    findings.push({ state: "degraded", reason: "retired pages wait for a reset", action: drainAndReset });
  }
  if (facts.repairPending.value === true) {
    findings.push({ state: "degraded", reason: "a repair waits for a reset", action: drainAndReset });
  }
  const uncorrected = uncorrectedSinceLoad(facts);
  if (uncorrected > 0) {
    const reason = `${uncorrected} uncorrected memory errors since the driver was loaded`;
    findings.push({ state: "unhealthy", reason, action: `Restart the jobs it ran. ${drainAndReset}` });
  }
  return findings;
}

function uncorrectedSinceLoad(facts: GpuFacts): number {
  const card = facts.ecc
    .filter((counter) => counter.kind === "uncorrected" && counter.scope === "volatile")
    .reduce((total, counter) => total + (counter.count.value ?? 0), 0);
  // A partition's errors are part of the card's, so they are not added.
  return Math.max(card, ...facts.migDevices.map((device) => device.uncorrectedErrors.value ?? 0));
}

function temperatureFindings(temperatures: Temperatures): GpuFinding[] {
  const findings: GpuFinding[] = [];
  const { gpu, memory, memoryMax } = temperatures;
  const toShutdown = margin(temperatures, "shutdown");
  const toSlowdown = margin(temperatures, "slowdown");
  const now = gpu.value === null ? "" : ` at ${gpu.value} °C`;
  if (toShutdown !== null && toShutdown <= 0) {
    findings.push({ state: "unhealthy", reason: `at its shutdown limit${now}`, action: cool });
  } else if (toSlowdown !== null && toSlowdown <= 0) {
    findings.push({ state: "unhealthy", reason: `at its slowdown limit${now}`, action: cool });
  } else if (toSlowdown !== null && toSlowdown < warmMarginCelsius) {
    findings.push({
      state: "degraded",
      reason: `${toSlowdown} °C below its slowdown limit${now}`,
      action: cool,
    });
  }
  if (memory.value !== null && memoryMax.value !== null && memory.value >= memoryMax.value) {
    const reason = `memory at ${memory.value} °C, its limit is ${memoryMax.value} °C`;
    findings.push({ state: "degraded", reason, action: cool });
  }
  return findings;
}

/** Degrees left to one of the card's limits, by absolute limits or by T.Limit margins, whichever it tells. */
export function margin(temperatures: Temperatures, limit: "slowdown" | "shutdown"): number | null {
  const absolute = difference(temperatures[limit], temperatures.gpu);
  return absolute ?? difference(temperatures.limitMargin, temperatures[`${limit}Margin`]);
}

function difference(a: Cell<number>, b: Cell<number>): number | null {
  return a.value === null || b.value === null ? null : a.value - b.value;
}

function slowdownFindings({ slowdowns }: GpuFacts): GpuFinding[] {
  const active = (name: keyof typeof slowdowns) => slowdowns[name].value === true;
  const thermal = active("hw_thermal_slowdown");
  const powerBrake = active("hw_power_brake_slowdown");
  const findings: GpuFinding[] = [];
  if (thermal) {
    const state = active("hw_slowdown") ? "unhealthy" : "degraded";
    findings.push({ state, reason: "hardware slows the clocks for heat", action: cool });
  }
  if (powerBrake) {
    const action = "Check power supplies and cabling of the chassis.";
    findings.push({ state: "degraded", reason: "the chassis brakes the GPU's power", action });
  }
  if (active("hw_slowdown") && !thermal && !powerBrake) {
    const action = "Check power supplies, power cables and cooling.";
    findings.push({ state: "degraded", reason: "hardware slows the clocks", action });
  }
  return findings;
}

/** Lanes that are missing though card and slot both have them; null when none are or nobody can tell. */
function missingLanes(facts: GpuFacts, slotWidth: number | null): string | null {
  const { linkWidth, linkWidthMax } = facts;
  if (linkWidth.value === null || linkWidthMax.value === null) return null;
  const possible = Math.min(linkWidthMax.value, slotWidth ?? linkWidthMax.value);
  return linkWidth.value < possible ? `PCIe link uses ${linkWidth.value} of ${possible} lanes` : null;
}

function linkFindings(facts: GpuFacts, slotWidth: number | null): GpuFinding[] {
  const missing = missingLanes(facts, slotWidth);
  // A x8 slot is a choice, not a fault, so without the slot's width nothing is proven; idle cards may save lanes.
  if (missing === null || slotWidth === null || (facts.utilization.value ?? 0) < busyRatio) return [];
  return [{ state: "degraded", reason: `${missing} under load`, action: "Reseat the card or its riser." }];
}

function linkDown(reason: string): GpuFinding {
  const action = "Read the kernel log for Xid 74 and SXids; drain the node and reset its GPUs together.";
  return { state: "degraded", reason, action };
}

function fabricFindings({ fabric }: GpuFacts): GpuFinding[] {
  const fault = fabricFault(fabric);
  if (fault === null) return [];
  const action =
    "Check the fabric manager (systemctl status nvidia-fabricmanager) and SXid lines; restart it, then reset the GPUs.";
  return [{ state: fault.broken ? "unhealthy" : "degraded", reason: fault.reason, action }];
}

/** A card that is listed and does not answer is unknown; one that has no sensor (a virtual GPU) is not. */
function silenceFindings(facts: GpuFacts): GpuFinding[] {
  if (facts.fault !== null) return [];
  const essential: readonly (readonly [string, Cell<number>])[] = [
    ["temperature", facts.temperatures.gpu],
    ["memory", facts.memoryTotalBytes],
    ["utilisation", facts.utilization],
  ];
  const answered = essential.some(([, cell]) => cell.value !== null);
  const silent = essential.filter(
    ([, cell]) => cell.value === null && (!answered || cell.absence === "unknown"),
  );
  if (silent.length === 0) return [];
  const cells = silent.map(([name, cell]) => `${name} (${saidText(cell)})`);
  return [
    {
      state: "unknown",
      reason: `no value for ${cells.join(", ")}`,
      action: "Run `nvidia-smi -q -i BUS_ID` and read the kernel log for NVRM lines.",
    },
  ];
}

function saidText(cell: Cell<number>): string {
  if (cell.value !== null) return String(cell.value);
  return cell.text === null || cell.text === "" ? "empty" : cell.text.slice(0, 60);
}

function notesOf(facts: GpuFacts, slotWidth: number | null): string[] {
  const notes: string[] = [];
  const missing = missingLanes(facts, slotWidth);
  if (missing !== null) notes.push(missing);
  if (facts.slowdowns.sw_thermal_slowdown.value === true) notes.push("driver lowers the clocks for heat");
  if (facts.slowdowns.sw_power_cap.value === true) notes.push("at its power limit");
  if (isSlowLink(facts)) notes.push(`PCIe at generation ${facts.linkGeneration.value} under load`);
  if (facts.persistence.value === false) notes.push("persistence mode is off");
  if (facts.migChangePending) notes.push("a change of MIG mode waits for a reset");
  if (facts.migEnabled) notes.push(`MIG with ${facts.migDevices.length} devices`);
  return notes;
}

/** Idle cards lower their link's generation to save power, so it is told only of busy ones, and is no fault by itself. */
function isSlowLink({ linkGeneration, linkGenerationMax, utilization }: GpuFacts): boolean {
  if (linkGeneration.value === null || linkGenerationMax.value === null) return false;
  return linkGeneration.value < linkGenerationMax.value && (utilization.value ?? 0) >= busyRatio;
}
