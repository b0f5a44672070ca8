import { RingRiftError, type SignalState, type StageReport } from "@ringrift/protocol";
import { z } from "zod";

/** A stage of the pipeline and how many hours it may stay without a sign of life. */
export interface StageDefinition {
  readonly name: string;
  readonly limitHours: number;
}

/** The stages of the system, each with its limit; strictly more is overdue. */
export const defaultStages: readonly StageDefinition[] = [
  { name: "selfplay", limitHours: 6 },
  { name: "data_sync", limitHours: 8 },
  { name: "npz_export", limitHours: 8 },
  { name: "training", limitHours: 24 },
  { name: "evaluation", limitHours: 48 },
  { name: "promotion", limitHours: 96 },
];

/** What a trainer tells of its stage. `newestDataAt`: seconds since 1970, by the content's time and not the file's. */
export interface TrainerReport {
  readonly step?: number | undefined;
  readonly loss?: number | undefined;
  readonly success?: boolean | undefined;
  readonly newestDataAt?: number | undefined;
  readonly state?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** How far a trainer's clock may be ahead of ours. */
const clockToleranceSeconds = 300;
const maxDetails = 50;

export const trainerReportSchema: z.ZodType<TrainerReport> = z
  .strictObject({
    step: z.number().min(0).optional(),
    loss: z.number().optional(),
    success: z.boolean().optional(),
    newestDataAt: z.number().min(0).optional(),
    state: z.string().max(100).optional(),
    details: z
      .record(z.string().max(100), z.unknown())
      .refine((details) => Object.keys(details).length <= maxDetails, `at most ${maxDetails} entries`)
      .optional(),
  })
  .refine(
    (report) => Object.keys(report).length > 0,
    "at least one of step, loss, success, newestDataAt, state or details",
  );

/**
 * A trainer's report as it came over HTTP, the command line or from a file.
 * @throws RingRiftError `STAGE_REPORT_INVALID` naming the field.
 */
export function parseTrainerReport(value: unknown): TrainerReport {
  const parsed = trainerReportSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw invalidReport(issue?.path.join(".") || "(the whole report)", issue?.message ?? "invalid");
}

function invalidReport(field: string, why: string): RingRiftError {
  return new RingRiftError(`The stage's report has a bad ${field}: ${why}.`, {
    code: "STAGE_REPORT_INVALID",
    nextStep:
      "Send any of step, loss, success, newestDataAt (seconds since 1970), state and details, as JSON.",
  });
}

/** When each kind of signal was last seen, seconds since 1970; null is never. Persisted, so that a restart resets no age. */
export interface StageMemory {
  readonly firstReportAt: number;
  readonly step: number | null;
  readonly progressAt: number | null;
  readonly successAt: number | null;
  readonly failureAt: number | null;
  readonly newestDataAt: number | null;
}

export type PipelineMemory = Readonly<Record<string, StageMemory>>;

export interface Stages {
  /** @throws RingRiftError `STAGE_UNKNOWN` naming the known ones, `STAGE_REPORT_INVALID` for data from the future. */
  record(stage: string, report: TrainerReport, nowSeconds: number): void;
  /** One row for each stage that was ever reported; one never reported is not watched. */
  reports(nowSeconds: number): StageReport[];
  /** One stage overdue: degraded; two or more: unhealthy; none reported: unknown. */
  state(nowSeconds: number): SignalState;
  memory(): PipelineMemory;
}

/** Ages of every stage's signals. Pure: the caller brings the time and the memory of an earlier run. */
export function createStages(
  definitions: readonly StageDefinition[] = defaultStages,
  memory: PipelineMemory = {},
): Stages {
  const known = new Map(definitions.map((definition) => [definition.name, definition]));
  const seen = new Map(Object.entries(memory).filter(([name]) => known.has(name)));

  function record(stage: string, report: TrainerReport, nowSeconds: number): void {
    if (!known.has(stage))
      throw new RingRiftError(
        `Stage "${stage}" is not defined; defined are ${[...known.keys()].join(", ")}.`,
        {
          code: "STAGE_UNKNOWN",
          nextStep: "Report one of these stages.",
        },
      );
    // Milliseconds given as seconds lie far ahead, and would look fresh for ever.
    if (report.newestDataAt !== undefined && report.newestDataAt > nowSeconds + clockToleranceSeconds)
      throw invalidReport("newestDataAt", `${report.newestDataAt} lies in the future`);
    const before = seen.get(stage);
    const lastStep = before?.step ?? null;
    // A smaller step is a trainer that started over, which is progress as well; the same step is none.
    const advanced = report.step !== undefined && report.step !== lastStep;
    seen.set(stage, {
      firstReportAt: before?.firstReportAt ?? nowSeconds,
      step: report.step ?? lastStep,
      progressAt: advanced ? nowSeconds : (before?.progressAt ?? null),
      successAt: report.success === true ? nowSeconds : (before?.successAt ?? null),
      failureAt: report.success === false ? nowSeconds : (before?.failureAt ?? null),
      newestDataAt: report.newestDataAt ?? before?.newestDataAt ?? null,
    });
  }

  function reports(nowSeconds: number): StageReport[] {
    return [...seen].flatMap(([name, stage]) => {
      const definition = known.get(name);
      if (definition === undefined) return [];
      // After a clock was set back, ages count from now instead of standing still until it catches up.
      const memory = notAfter(stage, nowSeconds);
      seen.set(name, memory);
      return [judge(definition, memory, nowSeconds)];
    });
  }

  return {
    record,
    reports,
    state: (nowSeconds) => {
      const rows = reports(nowSeconds);
      if (rows.length === 0) return "unknown";
      const overdue = rows.filter((row) => row.state === "degraded").length;
      if (overdue >= 2) return "unhealthy";
      return overdue === 1 ? "degraded" : "healthy";
    },
    memory: () => Object.fromEntries(seen),
  };
}

function notAfter(memory: StageMemory, nowSeconds: number): StageMemory {
  const bounded = (at: number | null): number | null => (at === null ? null : Math.min(at, nowSeconds));
  return {
    firstReportAt: Math.min(memory.firstReportAt, nowSeconds),
    step: memory.step,
    progressAt: bounded(memory.progressAt),
    successAt: bounded(memory.successAt),
    failureAt: bounded(memory.failureAt),
    newestDataAt: bounded(memory.newestDataAt),
  };
}

function judge(definition: StageDefinition, memory: StageMemory, nowSeconds: number): StageReport {
  const limitSeconds = definition.limitHours * 3600;
  const ageOf = (at: number | null): number | null => (at === null ? null : Math.max(0, nowSeconds - at));
  const ages = {
    progress: ageOf(memory.progressAt),
    success: ageOf(memory.successAt),
    "newest data": ageOf(memory.newestDataAt),
  };
  const overdue = Object.entries(ages)
    .filter(([, age]) => age !== null && age > limitSeconds)
    .map(([signal, age]) => `${signal} ${hours(age ?? 0)} ago`);
  // Reports that never carried any of the three signals must not look alive for ever.
  const silent = Object.values(ages).every((age) => age === null);
  const silentSeconds = nowSeconds - memory.firstReportAt;
  if (silent && silentSeconds > limitSeconds)
    overdue.push(`no progress, success or data in ${hours(silentSeconds)}`);
  const state = overdue.length > 0 ? "degraded" : silent ? "unknown" : "healthy";
  return {
    stage: definition.name,
    state,
    reason:
      overdue.length > 0
        ? `${overdue.join(", ")}; the limit is ${definition.limitHours} h`
        : silent
          ? "no progress, success or data reported yet"
          : "",
    progressAgeSeconds: ages.progress,
    successAgeSeconds: ages.success,
    dataAgeSeconds: ages["newest data"],
    limitSeconds,
  };
}

function hours(seconds: number): string {
  return `${(seconds / 3600).toFixed(1)} h`;
}
