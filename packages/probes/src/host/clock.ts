// core: pure
import type { ServerClock } from "@ringrift/protocol";
import type { Judgement, Measure } from "../judgement.ts";

export type TimeService = "chronyd" | "ntpd" | "systemd-timesyncd";

/** What the service that keeps the clock says of it. */
export interface TimeServiceAnswer {
  /** Whether it follows a source. */
  readonly synchronized: boolean;
  /** By how much it believes the clock to be ahead of true time; null where it does not say. */
  readonly offsetSeconds: number | null;
  /** By how much the clock may be wrong at most, by the way to its source; null where it does not say. */
  readonly errorBoundSeconds: number | null;
}

/** What is known of the clock. Node cannot ask the kernel (adjtimex), so those that set it are asked. */
export interface ClockFacts {
  /** The service that keeps the clock; null when none is seen. */
  readonly service: TimeService | null;
  /** Whether the clock follows a source, by its service, else by the kernel's own flag; null when nobody tells. */
  readonly synchronized: boolean | null;
  /** What the service said and when, seconds since 1970; null when it does not answer. */
  readonly answer: (TimeServiceAnswer & { readonly at: number }) | null;
  /** Whether systemd runs this host, so that a missing service is a fault and no container's way of life. */
  readonly hasSystemd: boolean;
  readonly clockSource: string | null;
  /** Seconds by which the clock was set since the last run, forward or back; null in the first run. */
  readonly stepSeconds: number | null;
  /** This clock beside the servers'. */
  readonly servers: readonly ServerClock[];
}

interface Finding {
  readonly reason: string;
  readonly action: string;
}

const lookAtService =
  "Look at the time service (chronyc tracking, timedatectl) and at suspended virtual machines.";

/** @param limitSeconds Steps and distances above it are faults. */
export function judgeClock(facts: ClockFacts, limitSeconds: number, nowSeconds: number): Judgement {
  const { service, synchronized, hasSystemd, servers } = facts;
  const rest = { details: { ...facts }, measures: measuresOf(facts, nowSeconds) };
  const findings = [
    ...stepFindings(facts, limitSeconds),
    ...serviceFindings(facts, limitSeconds),
    ...serverFindings(servers, limitSeconds),
  ];
  const [worst] = findings;
  if (worst !== undefined)
    return {
      state: "degraded",
      reason: findings.map(({ reason }) => reason).join("; "),
      action: worst.action,
      ...rest,
    };
  const beside = servers.length === 0 ? "" : `, ${nearestText(servers)}`;
  if (service === null && synchronized === null && servers.length === 0 && !hasSystemd)
    return {
      state: "not_applicable",
      reason: "no time service and no systemd here: the clock is another system's",
      ...rest,
    };
  if (service === null && synchronized === null && servers.length === 0)
    return {
      state: "unknown",
      reason: "no known time service runs, and timedatectl does not say whether the clock is kept",
      action: "Run timedatectl; install chrony where nothing keeps the clock.",
      ...rest,
    };
  const source = facts.clockSource === null ? "" : `, clock source ${facts.clockSource}`;
  return { state: "healthy", reason: `${keeperText(facts)}${source}${beside}`, ...rest };
}

function keeperText({ service, synchronized }: ClockFacts): string {
  if (service !== null) return synchronized === true ? `${service} keeps the clock` : `${service} runs`;
  return synchronized === true ? "the kernel's clock is kept" : "nobody here tells who keeps the clock";
}

function stepFindings({ stepSeconds }: ClockFacts, limit: number): Finding[] {
  if (stepSeconds === null || Math.abs(stepSeconds) <= limit) return [];
  const reason = `the clock was set by ${stepSeconds.toFixed(1)} s since the last run`;
  return [{ reason, action: lookAtService }];
}

function serviceFindings(
  { service, synchronized, answer, hasSystemd }: ClockFacts,
  limit: number,
): Finding[] {
  if (service === null && hasSystemd && synchronized === false)
    return [
      {
        reason: "no time service keeps the clock (chronyd, ntpd, systemd-timesyncd)",
        action: "Install chrony: logs, certificates and training frameworks need clocks that agree.",
      },
    ];
  if (service === null) return [];
  if (synchronized === false)
    return [
      {
        reason: `${service} runs and follows no time source`,
        action: "Check its servers and UDP port 123 (chronyc sources, ntpq -p, timedatectl timesync-status).",
      },
    ];
  const offset = answer?.offsetSeconds ?? null;
  if (offset === null || Math.abs(offset) <= limit) return [];
  return [{ reason: `${service} finds the clock ${aheadText(offset)} its source`, action: lookAtService }];
}

/** One server that differs may be the one that is wrong; this clock is at fault when most of them say so. */
function serverFindings(servers: readonly ServerClock[], limit: number): Finding[] {
  const far = servers.filter(
    ({ offsetSeconds, uncertaintySeconds }) => Math.abs(offsetSeconds) - uncertaintySeconds > limit,
  );
  if (far.length * 2 <= servers.length) return [];
  return [{ reason: `the clock is ${far.map(besideText).join(", ")}`, action: lookAtService }];
}

function nearestText(servers: readonly ServerClock[]): string {
  const sure = [...servers].sort((a, b) => a.uncertaintySeconds - b.uncertaintySeconds);
  return sure.slice(0, 1).map(besideText).join("");
}

function besideText({ server, offsetSeconds, uncertaintySeconds }: ServerClock): string {
  return `${aheadText(offsetSeconds)} ${server} (± ${secondsText(uncertaintySeconds)})`;
}

function aheadText(seconds: number): string {
  return `${secondsText(Math.abs(seconds))} ${seconds < 0 ? "behind" : "ahead of"}`;
}

function secondsText(seconds: number): string {
  return seconds < 0.1 ? `${(seconds * 1000).toFixed(1)} ms` : `${seconds.toFixed(2)} s`;
}

function measuresOf(
  { service, synchronized, answer, stepSeconds, servers }: ClockFacts,
  now: number,
): Measure[] {
  const absence = service === null ? ("not_applicable" as const) : ("unknown" as const);
  const told = answer === null ? {} : { observedAt: answer.at };
  return [
    {
      name: "clock_synchronized",
      value: synchronized === null ? null : synchronized ? 1 : 0,
      absence,
      ...told,
    },
    { name: "clock_offset_seconds", value: answer?.offsetSeconds ?? null, absence, ...told },
    { name: "clock_error_bound_seconds", value: answer?.errorBoundSeconds ?? null, absence, ...told },
    { name: "clock_step_seconds", value: stepSeconds },
    ...servers.flatMap(({ server, offsetSeconds, uncertaintySeconds, ageSeconds }) => {
      const common = { labels: { server }, observedAt: now - ageSeconds };
      return [
        { name: "clock_server_offset_seconds", value: offsetSeconds, ...common },
        { name: "clock_server_offset_uncertainty_seconds", value: uncertaintySeconds, ...common },
      ];
    }),
  ];
}
