import { join } from "node:path";
import { type Judgement, type Measure, percent } from "../judgement.ts";
import { readKernelFile } from "../kernel-file.ts";
import { fieldsOf, parseDecimal } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { badInput } from "../probe-error.ts";
import { hostProbe } from "./host-probe.ts";

const resources = ["cpu", "memory", "io"] as const;
type Resource = (typeof resources)[number];

/** Shares of the last minute, 0-1. `full` (every task stalled) is null where the kernel does not keep it. */
export interface Stall {
  readonly some: number;
  readonly full: number | null;
}

export type Pressure = Readonly<Record<Resource, Stall | null>>;

/** Stalling all tasks for memory is thrashing; waiting for disks or cores is often plain work. */
const fullMemoryLimit = 0.1;
const fullIoLimit = 0.8;

/** @throws ProbeError when the text is not a file of /proc/pressure. */
export function parseStall(text: string, source: string): Stall {
  const shares = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [kind, ...pairs] = fieldsOf(line);
    const minute = parseDecimal(pairs.find((pair) => pair.startsWith("avg60="))?.slice("avg60=".length));
    if (kind !== undefined && minute !== null && minute >= 0 && minute <= 100) shares.set(kind, minute / 100);
  }
  const some = shares.get("some");
  if (some === undefined) throw badInput(source, "a `some` line with avg60 from 0 to 100");
  return { some, full: shares.get("full") ?? null };
}

export function judgePressure(pressure: Pressure): Judgement {
  if (resources.every((resource) => pressure[resource] === null)) {
    return {
      state: "not_applicable",
      reason: "this kernel keeps no pressure stall information (CONFIG_PSI, or the boot option psi=1)",
    };
  }
  const memory = pressure.memory?.full ?? null;
  const io = pressure.io?.full ?? null;
  const findings: string[] = [];
  if (memory !== null && memory > fullMemoryLimit)
    findings.push(`all tasks waited for memory ${percent(memory)}`);
  if (io !== null && io > fullIoLimit) findings.push(`all tasks waited for disks ${percent(io)}`);
  const shares = resources.map((resource) => `${resource} ${stallText(pressure[resource])}`).join(", ");
  return {
    state: findings.length > 0 ? "degraded" : "healthy",
    reason:
      findings.length > 0
        ? `${findings.join(" and ")} of the last minute`
        : `stalled in the last minute: ${shares}`,
    ...(findings.length > 0
      ? { action: "Find what uses memory or disks most (pidstat -r -d 5) and move it." }
      : {}),
    details: { ...pressure },
    measures: resources.flatMap((resource) => measuresOf(resource, pressure[resource])),
  };
}

function stallText(stall: Stall | null): string {
  return stall === null ? "not kept" : percent(stall.some);
}

function measuresOf(resource: Resource, stall: Stall | null): Measure[] {
  return (["some", "full"] as const).map((kind) => ({
    name: "pressure_stalled_ratio",
    labels: { resource, kind },
    value: stall === null ? null : stall[kind],
    absence: "not_applicable",
  }));
}

export function createPressureProbe(procRoot: string, nowSeconds: () => number): Probe {
  const read = async (resource: Resource, signal: AbortSignal): Promise<Stall | null> => {
    const path = join(procRoot, "pressure", resource);
    const text = await readKernelFile(path, signal);
    return text === null ? null : parseStall(text, path);
  };
  return hostProbe(
    {
      name: "pressure",
      title: "Pressure stall",
      reads: "/proc/pressure: time in which tasks waited for cores, memory or disks",
      intervalSeconds: 30,
      timeoutSeconds: 5,
      rules: [
        {
          state: "degraded",
          when: `all tasks waited for memory over ${percent(fullMemoryLimit)} of the last minute`,
          advice: "Find what uses memory most (pidstat -r 5) and move it.",
        },
        {
          state: "degraded",
          when: `all tasks waited for disks over ${percent(fullIoLimit)} of the last minute`,
          advice: "Find what uses the disks most (pidstat -d 5) and move it.",
        },
        {
          state: "not_applicable",
          when: "the kernel keeps no pressure stall information",
          advice: "Boot with psi=1.",
        },
      ],
      cost: "under 0.1 ms",
      confirm: { raise: 2, clear: 2 },
      async check(signal) {
        const [cpu, memory, io] = [
          await read("cpu", signal),
          await read("memory", signal),
          await read("io", signal),
        ];
        return { judgement: judgePressure({ cpu, memory, io }) };
      },
    },
    nowSeconds,
  );
}
