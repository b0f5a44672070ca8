import { join } from "node:path";
import { type SignalState, worstSignal } from "@ringrift/protocol";
import type { Judgement, Measure } from "../judgement.ts";
import { listKernelFolder, readWaitingFile } from "../kernel-file.ts";
import { parseCount, parseDecimal } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { hostProbe } from "./host-probe.ts";

/** Counters of sysfs that tell of a bad cable, port or switch, with the name of their reading. */
const faultCounters = {
  symbol_error: "infiniband_symbol_errors_total",
  link_error_recovery: "infiniband_link_recoveries_total",
  link_downed: "infiniband_link_downs_total",
  port_rcv_errors: "infiniband_receive_errors_total",
  port_xmit_discards: "infiniband_transmit_discards_total",
  local_link_integrity_errors: "infiniband_link_integrity_errors_total",
} as const;
type FaultCounter = keyof typeof faultCounters;
const faultNames = Object.keys(faultCounters) as FaultCounter[];

/** One port as sysfs shows it; null is what sysfs does not tell. */
export interface InfinibandPort {
  /** As `mlx5_0/1`. */
  readonly name: string;
  /** `ACTIVE`, `INIT`, `DOWN`, …; */
  readonly state: string | null;
  /** `LinkUp`, `Polling`, `Disabled`, … */
  readonly physicalState: string | null;
  readonly gigabitsPerSecond: number | null;
  readonly faults: Readonly<Partial<Record<FaultCounter, number>>>;
}

/** What earlier runs saw of a port. */
export interface SeenPort {
  readonly wasActive: boolean;
  readonly bestRate: number;
  readonly faults: InfinibandPort["faults"];
}

const maxPorts = 64;
/** New bit errors between two runs from which a cable is bad; a few happen on any link. */
const manyErrors = 100;

/** The word of `4: ACTIVE`; null when the text has another form. */
export function parsePortState(text: string): string | null {
  return /^\d+: ?([A-Za-z][A-Za-z_ ]*?)\s*$/.exec(text)?.[1] ?? null;
}

/** The number of `400 Gb/sec (4X NDR)`; null when the text has another form. */
export function parsePortRate(text: string): number | null {
  return parseDecimal(/^(\d+(?:\.\d+)?) Gb\/sec\b/.exec(text)?.[1]);
}

/** Judges every port against what it was: a port that was never active may simply have no cable. */
export function judgeInfiniband(
  ports: readonly InfinibandPort[],
  seen: ReadonlyMap<string, SeenPort>,
): { readonly judgement: Judgement; readonly seen: ReadonlyMap<string, SeenPort> } {
  if (ports.length === 0 && seen.size === 0)
    return { judgement: { state: "not_applicable", reason: "no InfiniBand or RoCE port here" }, seen };
  const present = new Set(ports.map(({ name }) => name));
  const gone = [...seen.keys()].filter((name) => !present.has(name));
  const verdicts = [
    ...gone.map((name) => verdict("unhealthy", `${name} is gone`)),
    ...ports.flatMap((port) => judgePort(port, seen.get(port.name))),
  ];
  const active = ports.filter(({ state }) => state === "ACTIVE").length;
  const bad = verdicts.length > 0;
  return {
    seen: new Map([
      ...seen,
      ...ports.map((port) => [port.name, nextSeen(port, seen.get(port.name))] as const),
    ]),
    judgement: {
      state: bad ? worstSignal(verdicts.map(({ state }) => state)) : "healthy",
      reason: bad
        ? verdicts.map(({ reason }) => reason).join("; ")
        : `${active} of ${ports.length} ports active`,
      ...(bad
        ? {
            action:
              "Check cable, transceiver and switch port (ibstat, mlxlink -d DEVICE); restart jobs on other hosts.",
          }
        : {}),
      details: { ports: ports.map((port) => ({ ...port })), gone },
      measures: ports.flatMap(measuresOf),
    },
  };
}

interface Verdict {
  readonly state: SignalState;
  readonly reason: string;
}
const verdict = (state: SignalState, reason: string): Verdict => ({ state, reason });

function judgePort(port: InfinibandPort, seen: SeenPort | undefined): Verdict[] {
  const { name, state, gigabitsPerSecond } = port;
  if (state === null) return [verdict("unknown", `${name}: its state could not be read`)];
  const verdicts: Verdict[] = [];
  if (state !== "ACTIVE" && seen?.wasActive === true)
    verdicts.push(
      verdict("unhealthy", `${name} was active and is ${state} (${port.physicalState ?? "unknown"})`),
    );
  else if (state === "INIT" || state === "ARMED")
    verdicts.push(verdict("degraded", `${name} is ${state}: it waits for a subnet manager`));
  if (seen === undefined) return verdicts;
  if (state === "ACTIVE" && gigabitsPerSecond !== null && gigabitsPerSecond < seen.bestRate)
    verdicts.push(
      verdict("degraded", `${name} runs at ${gigabitsPerSecond} and ran at ${seen.bestRate} Gb/s`),
    );
  for (const counter of faultNames) {
    const now = port.faults[counter];
    const then = seen.faults[counter];
    if (now === undefined || then === undefined) continue;
    const least = counter === "link_downed" || counter === "link_error_recovery" ? 1 : manyErrors;
    if (now - then >= least) verdicts.push(verdict("degraded", `${name}: ${now - then} new ${counter}`));
  }
  return verdicts;
}

function nextSeen(port: InfinibandPort, seen: SeenPort | undefined): SeenPort {
  return {
    wasActive: port.state === "ACTIVE" || (seen?.wasActive ?? false),
    bestRate: Math.max(seen?.bestRate ?? 0, port.state === "ACTIVE" ? (port.gigabitsPerSecond ?? 0) : 0),
    faults: port.faults,
  };
}

function measuresOf(port: InfinibandPort): Measure[] {
  const labels = { port: port.name };
  const bits = port.gigabitsPerSecond;
  return [
    {
      name: "infiniband_port_up",
      labels,
      value: port.state === null ? null : port.state === "ACTIVE" ? 1 : 0,
    },
    { name: "infiniband_port_rate_bytes_per_second", labels, value: bits === null ? null : (bits * 1e9) / 8 },
    ...faultNames.map((counter) => ({
      name: faultCounters[counter],
      labels,
      value: port.faults[counter] ?? null,
    })),
  ];
}

/** These files are answered by the card's firmware, which a dying card may never do: they are read in a thread. */
async function readPorts(sysRoot: string, signal: AbortSignal): Promise<InfinibandPort[]> {
  const root = join(sysRoot, "class/infiniband");
  const ports: InfinibandPort[] = [];
  for (const device of (await listKernelFolder(root, signal)) ?? []) {
    for (const port of (await listKernelFolder(join(root, device, "ports"), signal)) ?? []) {
      if (ports.length >= maxPorts) return ports;
      const folder = join(root, device, "ports", port);
      const read = async (file: string): Promise<string> =>
        (await readWaitingFile(join(folder, file), signal)) ?? "";
      const faults: Partial<Record<FaultCounter, number>> = {};
      for (const counter of faultNames) {
        const value = parseCount((await read(`counters/${counter}`)).trim());
        if (value !== null) faults[counter] = value;
      }
      ports.push({
        name: `${device}/${port}`,
        state: parsePortState(await read("state")),
        physicalState: parsePortState(await read("phys_state")),
        gigabitsPerSecond: parsePortRate(await read("rate")),
        faults,
      });
    }
  }
  return ports;
}

export function createInfinibandProbe(sysRoot: string, nowSeconds: () => number): Probe {
  let seen: ReadonlyMap<string, SeenPort> = new Map();
  return hostProbe(
    {
      name: "infiniband",
      title: "InfiniBand and RoCE ports",
      reads: "/sys/class/infiniband: state, rate and error counters of every port",
      intervalSeconds: 30,
      timeoutSeconds: 10,
      rules: [
        {
          state: "unhealthy",
          when: "a port that was active is not any more, or is gone",
          advice: "Check cable, transceiver and switch port; restart jobs on other hosts.",
        },
        {
          state: "degraded",
          when: "a port waits for a subnet manager",
          advice: "Check that a subnet manager runs (sminfo).",
        },
        {
          state: "degraded",
          when: "a port runs slower than it did since the agent started",
          advice: "Reseat the cable; look at mlxlink.",
        },
        {
          state: "degraded",
          when: `a link went down or was recovered since the last run, or ${manyErrors} new errors of another kind`,
          advice: "Replace cable or transceiver.",
        },
        {
          state: "unknown",
          when: "a port's state cannot be read",
          advice: "Look at the driver (dmesg | grep mlx).",
        },
      ],
      cost: "about 0.5 ms a port, in a thread",
      async check(signal) {
        const judged = judgeInfiniband(await readPorts(sysRoot, signal), seen);
        seen = judged.seen;
        return { judgement: judged.judgement };
      },
    },
    nowSeconds,
  );
}
