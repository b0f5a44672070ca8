import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Judgement } from "../judgement.ts";
import { readKernelFile } from "../kernel-file.ts";
import { parseCount } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { hostProbe } from "./host-probe.ts";

/** What is known of the clock. Node cannot ask the kernel (adjtimex), so the services that set it are looked at. */
export interface ClockFacts {
  /** The service that keeps the clock; null when none is seen. */
  readonly service: "chronyd" | "ntpd" | "systemd-timesyncd" | null;
  /** Whether it has reached a source since boot; null when it does not tell. */
  readonly reached: boolean | null;
  /** Whether systemd runs this host, so that a missing service is a fault and no container's way of life. */
  readonly hasSystemd: boolean;
  readonly clockSource: string | null;
  /** Seconds by which the clock was set since the last run, forward or back; null in the first run. */
  readonly stepSeconds: number | null;
}

const worthTellingSeconds = 0.5;

export function judgeClock(facts: ClockFacts): Judgement {
  const { service, reached, hasSystemd, clockSource, stepSeconds } = facts;
  const stepped = stepSeconds !== null && Math.abs(stepSeconds) > worthTellingSeconds;
  const measures = [
    {
      name: "clock_synchronized",
      value: reached === null ? null : reached ? 1 : 0,
      absence: service === null ? ("not_applicable" as const) : ("unknown" as const),
    },
    { name: "clock_step_seconds", value: stepSeconds },
  ];
  const details = { ...facts };
  if (stepped)
    return {
      state: "degraded",
      reason: `the clock was set by ${stepSeconds.toFixed(1)} s since the last run`,
      action: "Look at the time service (chronyc tracking, timedatectl) and at suspended virtual machines.",
      details,
      measures,
    };
  if (service !== null && reached === false)
    return {
      state: "degraded",
      reason: `${service} runs and has not reached a time source since boot`,
      action: "Check its servers and UDP port 123 (chronyc sources, timedatectl timesync-status).",
      details,
      measures,
    };
  if (service === null && hasSystemd)
    return {
      state: "degraded",
      reason: "no time service keeps the clock (chronyd, ntpd, systemd-timesyncd)",
      action: "Install chrony: logs, certificates and training frameworks need clocks that agree.",
      details,
      measures,
    };
  if (service === null)
    return {
      state: "not_applicable",
      reason: "no time service and no systemd here: the clock is another system's",
      details,
      measures,
    };
  const source = clockSource === null ? "" : `, clock source ${clockSource}`;
  return {
    state: "healthy",
    reason: reached === true ? `${service} keeps the clock${source}` : `${service} runs${source}`,
    details,
    measures,
  };
}

export interface ClockRoots {
  readonly procRoot: string;
  readonly sysRoot: string;
  readonly runRoot: string;
  /** Where services keep their state; `/var/lib`. */
  readonly stateRoot: string;
}

/** The service whose process lives under the number in its pid file. */
async function runningService(
  { procRoot, runRoot }: ClockRoots,
  signal: AbortSignal,
): Promise<ClockFacts["service"]> {
  for (const [file, name] of [
    ["chrony/chronyd.pid", "chronyd"],
    ["chronyd.pid", "chronyd"],
    ["ntpd.pid", "ntpd"],
  ] as const) {
    const pid = parseCount(((await readKernelFile(join(runRoot, file), signal)) ?? "").trim());
    if (pid === null) continue;
    const command = (await readKernelFile(join(procRoot, String(pid), "comm"), signal))?.trim();
    if (command === name) return name;
  }
  return existsSync(join(runRoot, "systemd/timesync")) ? "systemd-timesyncd" : null;
}

/** Chrony writes its drift file, and timesyncd touches its marker, once a source was reached. */
function hasReached(
  service: ClockFacts["service"],
  { runRoot, stateRoot }: ClockRoots,
  bootedAt: number,
): boolean | null {
  if (service === "systemd-timesyncd") return existsSync(join(runRoot, "systemd/timesync/synchronized"));
  if (service !== "chronyd") return null;
  try {
    // It is written at most once an hour, so its absence so far says nothing.
    return statSync(join(stateRoot, "chrony/drift")).mtimeMs / 1000 >= bootedAt ? true : null;
  } catch {
    return null;
  }
}

export function createClockProbe(
  roots: ClockRoots,
  clock: { readonly wallSeconds: () => number; readonly steadySeconds: () => number },
  nowSeconds: () => number,
): Probe {
  let last: { readonly wall: number; readonly steady: number } | null = null;
  return hostProbe(
    {
      name: "clock",
      title: "Clock",
      reads:
        "/run/systemd/timesync, pid files of chronyd and ntpd, /var/lib/chrony/drift, clocksource in /sys: who keeps the clock, and whether it was set",
      intervalSeconds: 30,
      timeoutSeconds: 5,
      rules: [
        {
          state: "degraded",
          when: `the clock was set by more than ${worthTellingSeconds} s between two runs`,
          advice: "Look at the time service and at suspended virtual machines.",
        },
        {
          state: "degraded",
          when: "systemd-timesyncd runs and has not reached a source since boot",
          advice: "Check its servers and UDP port 123.",
        },
        {
          state: "degraded",
          when: "systemd runs this host and no time service is seen",
          advice: "Install chrony.",
        },
        {
          state: "not_applicable",
          when: "neither a time service nor systemd is here, as in a container",
          advice: "Nothing: the host keeps the clock.",
        },
      ],
      cost: "under 0.1 ms",
      async check(signal) {
        const wall = clock.wallSeconds();
        const steady = clock.steadySeconds();
        const stepSeconds = last === null ? null : wall - last.wall - (steady - last.steady);
        last = { wall, steady };
        const service = await runningService(roots, signal);
        const bootedAt = /^btime (\d+)$/m.exec(
          (await readKernelFile(join(roots.procRoot, "stat"), signal)) ?? "",
        )?.[1];
        const clockSource = await readKernelFile(
          join(roots.sysRoot, "devices/system/clocksource/clocksource0/current_clocksource"),
          signal,
        );
        return {
          judgement: judgeClock({
            service,
            reached: hasReached(service, roots, parseCount(bootedAt) ?? Number.POSITIVE_INFINITY),
            hasSystemd: existsSync(join(roots.runRoot, "systemd/system")),
            clockSource: clockSource?.trim() ?? null,
            stepSeconds,
          }),
        };
      },
    },
    nowSeconds,
  );
}
