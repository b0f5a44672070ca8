import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Judgement, type Measure, percent } from "../judgement.ts";
import { listKernelFolder, requireKernelFile } from "../kernel-file.ts";
import { fieldsOf, parseCount } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { badInput } from "../probe-error.ts";
import { hostProbe } from "./host-probe.ts";
import { sampler } from "./sample.ts";

const directions = ["receive", "transmit"] as const;

/** Counters of one interface since it came up, in one direction. */
interface Traffic {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly drops: number;
}

export interface InterfaceCounters {
  readonly receive: Traffic;
  readonly transmit: Traffic;
}

export interface NetworkSample {
  readonly interfaces: ReadonlyMap<string, InterfaceCounters>;
  /** Interfaces with a device behind them; null where sysfs does not tell. */
  readonly physical: ReadonlySet<string> | null;
}

/** A cable or port is judged by its share of bad packets, once there are enough of them to mean something. */
const bad = { errorRatio: 0.001, errors: 10, dropRatio: 0.05, drops: 100 };

/** @throws ProbeError when the text is not a /proc/net/dev. */
export function parseInterfaces(text: string): Map<string, InterfaceCounters> {
  const lines = text.split("\n");
  if (!lines[0]?.startsWith("Inter-|"))
    throw badInput("/proc/net/dev", "two heading lines, then one per interface");
  const interfaces = new Map<string, InterfaceCounters>();
  for (const line of lines.slice(2)) {
    // An interface may be called "eth0:1"; the counters follow the last colon.
    const colon = line.lastIndexOf(":");
    const name = line.slice(0, Math.max(0, colon)).trim();
    const numbers = fieldsOf(line.slice(colon + 1)).map(parseCount);
    const receive = trafficOf(numbers.slice(0, 4));
    const transmit = trafficOf(numbers.slice(8, 12));
    if (name !== "" && receive !== null && transmit !== null) interfaces.set(name, { receive, transmit });
  }
  return interfaces;
}

function trafficOf([bytes, packets, errors, drops]: readonly (number | null)[]): Traffic | null {
  if (typeof bytes !== "number" || typeof packets !== "number") return null;
  if (typeof errors !== "number" || typeof drops !== "number") return null;
  return { bytes, packets, errors, drops };
}

/** What passed between two samples; null when a counter went back, as after a driver reload. */
function trafficBetween(before: Traffic, after: Traffic): Traffic | null {
  const delta = {
    bytes: after.bytes - before.bytes,
    packets: after.packets - before.packets,
    errors: after.errors - before.errors,
    drops: after.drops - before.drops,
  };
  return Object.values(delta).some((value) => value < 0) ? null : delta;
}

/** Judges errors and drops since the last run. Totals since boot say nothing about now. */
export function judgeNetwork(before: NetworkSample, after: NetworkSample): Judgement {
  const names = [...after.interfaces.keys()].filter(
    (name) => name !== "lo" && (after.physical === null || after.physical.has(name)),
  );
  if (names.length === 0) {
    return { state: "not_applicable", reason: "no network interface with a device behind it" };
  }
  const findings: string[] = [];
  const unmeasured: string[] = [];
  const measures: Measure[] = [];
  for (const name of names) {
    for (const direction of directions) {
      const now = after.interfaces.get(name)?.[direction];
      const then = before.interfaces.get(name)?.[direction];
      if (now === undefined) continue;
      measures.push(...measuresOf(name, direction, now));
      const delta = then === undefined ? null : trafficBetween(then, now);
      if (delta === null) unmeasured.push(`${name} ${direction}`);
      else findings.push(...faultsOf(name, direction, delta));
    }
  }
  return {
    ...summarise(findings, names.length, unmeasured.length === names.length * directions.length),
    details: { interfaces: names, findings, unmeasured },
    measures,
  };
}

function summarise(findings: readonly string[], interfaces: number, noneMeasured: boolean): Judgement {
  if (findings.length > 0) {
    return {
      state: "degraded",
      reason: findings.join("; "),
      action: "Check cable, transceiver and switch port (ethtool -S).",
    };
  }
  if (noneMeasured) {
    return { state: "unknown", reason: "all interfaces are new or were reset since the last run" };
  }
  return {
    state: "healthy",
    reason: `${interfaces} ${interfaces === 1 ? "interface" : "interfaces"} without new errors`,
  };
}

function faultsOf(name: string, direction: (typeof directions)[number], delta: Traffic): string[] {
  const { packets, errors, drops } = delta;
  const faults: string[] = [];
  if (errors >= bad.errors && errors > bad.errorRatio * packets) {
    faults.push(`${name} ${direction}: ${errors} errors in ${packets} packets`);
  }
  if (drops >= bad.drops && drops > bad.dropRatio * packets) {
    faults.push(`${name} ${direction}: ${drops} drops in ${packets} packets`);
  }
  return faults;
}

function measuresOf(name: string, direction: (typeof directions)[number], traffic: Traffic): Measure[] {
  const labels = { interface: name, direction };
  return [
    { name: "network_bytes_total", labels, value: traffic.bytes },
    { name: "network_packets_total", labels, value: traffic.packets },
    { name: "network_errors_total", labels, value: traffic.errors },
    { name: "network_drops_total", labels, value: traffic.drops },
  ];
}

/** Interfaces whose folder in sysfs links to a device: bridges, tunnels and container ends have none. */
async function readPhysical(sysRoot: string, signal: AbortSignal): Promise<ReadonlySet<string> | null> {
  const names = await listKernelFolder(join(sysRoot, "class/net"), signal);
  if (names === null) return null;
  const physical = new Set<string>();
  for (const name of names) {
    if (existsSync(join(sysRoot, "class/net", name, "device"))) physical.add(name);
  }
  return physical;
}

export function createNetworkProbe(procRoot: string, sysRoot: string, nowSeconds: () => number): Probe {
  let names = "";
  let physical: ReadonlySet<string> | null = null;
  const read = sampler<NetworkSample>(async (signal) => {
    const interfaces = parseInterfaces(await requireKernelFile(join(procRoot, "net/dev"), signal));
    // Which of them have a device changes only when they do.
    const current = [...interfaces.keys()].join(" ");
    if (current !== names) physical = await readPhysical(sysRoot, signal);
    names = current;
    return { interfaces, physical };
  });
  return hostProbe(
    {
      name: "network",
      title: "Network",
      reads: "/proc/net/dev, twice, and /sys/class/net: new errors and drops per interface",
      intervalSeconds: 30,
      timeoutSeconds: 5,
      rules: [
        {
          state: "degraded",
          when: `since the last run over ${percent(bad.errorRatio)} of packets had errors (${bad.errors} or more)`,
          advice: "Check cable, transceiver and switch port (ethtool -S).",
        },
        {
          state: "degraded",
          when: `since the last run over ${percent(bad.dropRatio)} of packets were dropped (${bad.drops} or more)`,
          advice: "Look at ring buffers (ethtool -g) and at who sends so much.",
        },
        { state: "unknown", when: "all interfaces are new or were reset", advice: "Wait for the next run." },
        {
          state: "not_applicable",
          when: "no interface has a device behind it, as in a container",
          advice: "Nothing.",
        },
      ],
      cost: "under 0.1 ms",
      confirm: { raise: 2, clear: 2 },
      async check(signal) {
        const { before, after } = await read(signal);
        return { judgement: judgeNetwork(before, after) };
      },
    },
    nowSeconds,
  );
}
