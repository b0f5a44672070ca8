import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ServerClock } from "@ringrift/protocol";
import { readKernelFile } from "../kernel-file.ts";
import { parseCount } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { type ClockFacts, judgeClock, type TimeService } from "./clock.ts";
import { hostProbe } from "./host-probe.ts";
import { createKernelClock } from "./kernel-clock.ts";
import { askTimeService } from "./time-service.ts";

/** After so long without a source the kernel itself counts its clock as not kept: 16 s of error at 500 parts in a million. */
const keptSeconds = 32_000;
/** A service learns something new every minute at the most. */
const askEverySeconds = 60;

interface ClockRoots {
  readonly procRoot: string;
  readonly sysRoot: string;
  readonly runRoot: string;
  /** Where services keep their state; `/var/lib`. */
  readonly stateRoot: string;
}

export interface ClockOptions {
  readonly roots: ClockRoots;
  readonly nowSeconds: () => number;
  /** The clock that is judged, and one that nobody sets; in seconds. */
  readonly wallSeconds: () => number;
  readonly steadySeconds: () => number;
  /** Steps and distances above it are faults. */
  readonly limitSeconds: number;
  readonly serverClocks?: (() => readonly ServerClock[]) | undefined;
  /** Asks the kernel by way of timedatectl. */
  readonly kernelClock?: ReturnType<typeof createKernelClock>;
}

/** The service whose process lives under the number in its pid file. */
async function runningService(
  { procRoot, runRoot }: ClockRoots,
  signal: AbortSignal,
): Promise<TimeService | null> {
  for (const [file, name] of [
    ["chrony/chronyd.pid", "chronyd"],
    ["chronyd.pid", "chronyd"],
    ["ntpd.pid", "ntpd"],
  ] as const) {
    const path = join(runRoot, file);
    // To look first is cheaper than the error of a file that most hosts do not have.
    if (!existsSync(path)) continue;
    const pid = parseCount(((await readKernelFile(path, signal)) ?? "").trim());
    if (pid === null) continue;
    const command = (await readKernelFile(join(procRoot, String(pid), "comm"), signal))?.trim();
    if (command === name) return name;
  }
  return existsSync(join(runRoot, "systemd/timesync")) ? "systemd-timesyncd" : null;
}

/** timesyncd touches its marker each time that it has heard from a source. */
function timesyncReached({ runRoot }: ClockRoots, wallSeconds: number): boolean {
  const age = ageOf(join(runRoot, "systemd/timesync/synchronized"), wallSeconds);
  return age !== null && age <= keptSeconds;
}

/** Chrony writes its drift file at most once an hour and only with a source, so its absence so far says nothing. */
function chronyReached({ stateRoot }: ClockRoots, wallSeconds: number, bootedAt: number): true | null {
  const age = ageOf(join(stateRoot, "chrony/drift"), wallSeconds);
  return age !== null && wallSeconds - age >= bootedAt ? true : null;
}

function ageOf(path: string, wallSeconds: number): number | null {
  try {
    return wallSeconds - statSync(path).mtimeMs / 1000;
  } catch {
    return null;
  }
}

export function createClockProbe(options: ClockOptions): Probe {
  const { roots, nowSeconds, wallSeconds, steadySeconds, limitSeconds, serverClocks = () => [] } = options;
  const kernelClock = options.kernelClock ?? createKernelClock(nowSeconds);
  let last: { readonly wall: number; readonly steady: number } | null = null;
  let asked: { readonly at: number; readonly answer: ClockFacts["answer"] } | null = null;

  async function ask(service: "chronyd" | "ntpd", signal: AbortSignal): Promise<ClockFacts["answer"]> {
    if (asked !== null && nowSeconds() - asked.at < askEverySeconds) return asked.answer;
    const answer = await askTimeService(service, signal);
    asked = { at: nowSeconds(), answer: answer === null ? null : { ...answer, at: nowSeconds() } };
    return asked.answer;
  }

  async function synchronizationOf(
    service: TimeService | null,
    hasSystemd: boolean,
    signal: AbortSignal,
  ): Promise<Pick<ClockFacts, "synchronized" | "answer">> {
    if (service === "systemd-timesyncd")
      return { synchronized: timesyncReached(roots, wallSeconds()), answer: null };
    if (service === null) {
      const told = hasSystemd ? await kernelClock(signal) : null;
      return { synchronized: told?.synchronized ?? null, answer: null };
    }
    const answer = await ask(service, signal);
    if (answer !== null || service !== "chronyd")
      return { synchronized: answer?.synchronized ?? null, answer };
    const stat = (await readKernelFile(join(roots.procRoot, "stat"), signal)) ?? "";
    const bootedAt = parseCount(/^btime (\d+)$/m.exec(stat)?.[1]) ?? Number.POSITIVE_INFINITY;
    return { synchronized: chronyReached(roots, wallSeconds(), bootedAt), answer };
  }

  return hostProbe(
    {
      name: "clock",
      title: "Clock",
      reads:
        "chronyd (UDP 323) or ntpd (UDP 123) on this host, /run/systemd/timesync, clocksource in /sys, timedatectl where no service is known, the servers' time over the mesh: is the clock kept, and right",
      intervalSeconds: 30,
      timeoutSeconds: 5,
      rules: [
        {
          state: "degraded",
          when: `the clock was set by more than ${limitSeconds} s between two runs (RINGRIFT_CLOCK_OFFSET)`,
          advice: "Look at the time service and at suspended virtual machines.",
        },
        {
          state: "degraded",
          when: `the clock is further than that from most servers' clocks, beyond half of the message's way there and back, or from the time service's source`,
          advice: "Look at the time service (chronyc tracking, timedatectl).",
        },
        {
          state: "degraded",
          when: `the time service follows no source: chronyd or ntpd says so, or systemd-timesyncd has not heard from one since boot or for ${Math.round(keptSeconds / 3600)} hours`,
          advice: "Check its servers and UDP port 123.",
        },
        {
          state: "degraded",
          when: "systemd runs this host, no time service is seen, and the kernel says that its clock is not kept",
          advice: "Install chrony.",
        },
        {
          state: "unknown",
          when: "systemd runs this host, no time service is seen, and timedatectl does not answer",
          advice: "Run timedatectl.",
        },
        {
          state: "not_applicable",
          when: "neither a time service nor systemd nor a server's time is here, as in a container",
          advice: "Nothing: the host keeps the clock.",
        },
      ],
      cost: "under 0.1 ms; once a minute one datagram to chronyd or ntpd; timedatectl every 15 minutes at most",
      async check(signal) {
        const now = { wall: wallSeconds(), steady: steadySeconds() };
        const stepSeconds = last === null ? null : now.wall - last.wall - (now.steady - last.steady);
        last = now;
        const service = await runningService(roots, signal);
        const hasSystemd = existsSync(join(roots.runRoot, "systemd/system"));
        const source = "devices/system/clocksource/clocksource0/current_clocksource";
        const facts = {
          service,
          ...(await synchronizationOf(service, hasSystemd, signal)),
          hasSystemd,
          clockSource: (await readKernelFile(join(roots.sysRoot, source), signal))?.trim() ?? null,
          stepSeconds,
          servers: serverClocks(),
        };
        return { judgement: judgeClock(facts, limitSeconds, nowSeconds()) };
      },
    },
    nowSeconds,
  );
}
