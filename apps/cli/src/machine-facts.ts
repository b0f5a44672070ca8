import { cpus, totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { ProbeOutcome } from "@ringrift/probes";
import { mem, osInfo, cpu as readCpu, system as readSystem } from "systeminformation";

/** What this host is; what nobody could tell is left out. */
export interface MachineFacts {
  readonly vendor?: string;
  readonly model?: string;
  readonly os?: string;
  readonly kernel?: string;
  readonly architecture?: string;
  readonly cpuModel?: string;
  readonly cpuSockets?: number;
  readonly cpuCores?: number;
  readonly memoryBytes?: number;
  readonly gpuDriver?: string;
  readonly gpus?: readonly { readonly name: string; readonly count: number }[];
}

/** It may start programs and ask firmware, so what has not answered by then is left out. */
const answerMs = 1000;

/** What makers write where they had nothing to say. */
const noName =
  /^(|-|n\/a|none|unknown|default string|not (specified|available|applicable)|to be filled by o\.?e\.?m\.?|system (manufacturer|product name)|0+)$/i;

/** Asks the operating system and the firmware what this host is; never rejects, and never waits long. */
export async function readMachine(): Promise<MachineFacts> {
  const [system, os, cpu, memory] = await Promise.all([
    within(readSystem()),
    within(osInfo()),
    within(readCpu()),
    within(mem()),
  ]);
  return {
    ...named("vendor", system?.manufacturer),
    ...named("model", system?.model),
    ...named("os", os === null ? undefined : `${os.distro} ${os.release}`),
    ...named("kernel", os?.kernel),
    ...named("architecture", os?.arch),
    ...named("cpuModel", cpu === null ? undefined : `${cpu.manufacturer} ${cpu.brand}`),
    ...counted("cpuSockets", cpu?.processors),
    ...counted("cpuCores", cpu?.cores),
    ...counted("memoryBytes", memory?.total),
  };
}

/** What the checks found out anyhow, so that a slow answer of the system leaves no gap. */
export function factsOfChecks(outcomes: readonly ProbeOutcome[]): MachineFacts {
  const found = outcomes.find(({ report }) => report.check === "machine")?.report.details ?? {};
  const text = (key: string): string | undefined => {
    const value = found[key];
    return typeof value === "string" ? value : undefined;
  };
  return {
    ...named("model", text("hardware")),
    ...named("os", text("distribution")),
    ...named("kernel", text("kernel")),
    ...named("architecture", text("architecture")),
    ...named("cpuModel", text("cpuModel")),
    ...counted("cpuCores", cpus().length),
    ...counted("memoryBytes", totalmem()),
    ...gpuFacts(outcomes),
  };
}

/** Cards and driver; nothing where the GPU check could not tell. */
function gpuFacts(outcomes: readonly ProbeOutcome[]): Pick<MachineFacts, "gpus" | "gpuDriver"> {
  const outcome = outcomes.find(({ report }) => report.check === "gpu");
  const driver = outcome?.report.details.driverVersion;
  const counts = new Map<string, number>();
  for (const { name } of outcome?.gpus ?? [])
    counts.set(name || "lost", (counts.get(name || "lost") ?? 0) + 1);
  return {
    ...(outcome?.gpus == null ? {} : { gpus: [...counts].map(([name, count]) => ({ name, count })) }),
    ...named("gpuDriver", typeof driver === "string" ? driver : undefined),
  };
}

async function within<Value>(answer: Promise<Value>): Promise<Value | null> {
  const giveUp = new AbortController();
  try {
    return await Promise.race([answer, sleep(answerMs, null, { ref: false, signal: giveUp.signal })]);
  } catch {
    return null;
  } finally {
    giveUp.abort();
  }
}

function named<Key extends keyof MachineFacts>(key: Key, text: string | undefined): Partial<MachineFacts> {
  const bare = text?.replace(/\s+/g, " ").trim() ?? "";
  return noName.test(bare) ? {} : { [key]: bare };
}

function counted<Key extends keyof MachineFacts>(key: Key, value: number | undefined): Partial<MachineFacts> {
  return value !== undefined && Number.isFinite(value) && value > 0 ? { [key]: value } : {};
}
