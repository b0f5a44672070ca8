import { constants } from "node:os";
import { z } from "zod";
import { type ExitRules, restartModes } from "../core/exit-rules.ts";
import type { RestartLimits } from "../core/restart-policy.ts";
import {
  type DaemonDefinition,
  type Dependency,
  dependencyConditions,
  type GroupStrategy,
  groupStrategies,
  type Liveness,
  type LogLimits,
  lossReactions,
  type Readiness,
  type StartUp,
  stopSignals,
} from "./definition.ts";
import { liveness, readiness, serviceLiveness, serviceReadiness, startup } from "./probe-schema.ts";
import { argv, section, span, word } from "./schema-section.ts";

/** At most this many daemons in one supervisor. */
const maxDaemons = 500;
const daemonName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    "must start with a letter or digit and hold only letters, digits, '.', '_' and '-', at most 100",
  );

const isExit = (exit: number | string): boolean =>
  typeof exit === "string" ? exit in constants.signals : Number.isInteger(exit) && exit >= 0 && exit <= 255;
const exitSet = z
  .array(
    z
      .union([z.number(), z.string()])
      .refine(isExit, "must be an exit code from 0 to 255 or the name of a signal, such as SIGTERM"),
  )
  .max(300);

/** Where the file is silent, the defaults depend on the daemon. */
interface RestartDraft {
  readonly exits: { readonly [Key in keyof ExitRules]: ExitRules[Key] | undefined };
  readonly limits: { readonly [Key in keyof RestartLimits]: RestartLimits[Key] | undefined };
}

const ms = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : seconds * 1000;

const restart: z.ZodType<RestartDraft> = section({
  mode: z.enum(restartModes).optional(),
  success: exitSet.optional(),
  prevent: exitSet.optional(),
  force: exitSet.optional(),
  stableSeconds: span.optional(),
  firstDelaySeconds: span.optional(),
  maxDelaySeconds: span.optional(),
  jitterRatio: z.number().min(0).max(0.9).optional(),
  burstDeaths: z.int().min(1).max(1000).optional(),
  burstWindowSeconds: span.optional(),
  hourlyDeaths: z.int().min(1).max(1000).optional(),
  degradedRetrySeconds: span.optional(),
}).transform((input) => ({
  exits: { mode: input.mode, success: input.success, prevent: input.prevent, force: input.force },
  limits: {
    stableMs: ms(input.stableSeconds),
    firstDelayMs: ms(input.firstDelaySeconds),
    maxDelayMs: ms(input.maxDelaySeconds),
    jitterRatio: input.jitterRatio,
    burstDeaths: input.burstDeaths,
    burstWindowMs: ms(input.burstWindowSeconds),
    hourlyDeaths: input.hourlyDeaths,
    degradedRetryMs: ms(input.degradedRetrySeconds),
  },
}));

const dependency: z.ZodType<Dependency> = z.preprocess(
  (given) => (typeof given === "string" ? { name: given } : given),
  section({
    name: z.string(),
    condition: z.enum(dependencyConditions).default("ready"),
    whenLost: z.enum(lossReactions).default("keep"),
  }),
);

const stop: z.ZodType<DaemonDefinition["stop"]> = section({
  signal: z.enum(stopSignals).default("SIGTERM"),
  graceSeconds: z.number().min(0).max(3600).default(10),
}).transform(({ signal, graceSeconds }) => ({ signal, graceMs: graceSeconds * 1000 }));

const megabyte = 1024 * 1024;
const logs: z.ZodType<LogLimits> = section({
  maxMegabytes: z.number().min(0.01).max(10_000).default(10),
  files: z.int().min(1).max(100).default(5),
  lineBytes: z.int().min(256).max(65_536).default(8192),
  ringLines: z.int().min(1).max(10_000).default(1000),
}).transform(({ maxMegabytes, ...rest }) => ({ ...rest, maxBytes: Math.round(maxMegabytes * megabyte) }));

const memory: z.ZodType<DaemonDefinition["memory"]> = section({
  maxMegabytes: z.number().positive(),
  samples: z.int().min(1).max(1000).default(3),
}).transform(({ maxMegabytes, samples }) => ({ samples, maxBytes: Math.round(maxMegabytes * megabyte) }));

const schedule: z.ZodType<DaemonDefinition["schedule"]> = section({
  cron: z.string().min(1).max(200),
  timeZone: z.string().min(1).max(100).optional(),
}).transform(({ cron, timeZone }) => ({ cron, timeZone: timeZone ?? null }));

/** What every daemon may say of itself, program or service. */
const commonKeys = {
  name: daemonName,
  critical: z.boolean().default(false),
  dependsOn: z.array(dependency).max(maxDaemons).default([]),
  group: z.string().optional(),
  restart: restart.prefault({}),
  stop: stop.prefault({}),
  logs: logs.prefault({}),
  schedule: schedule.optional(),
};

/** What only programs have. */
const programKeys = {
  command: argv,
  cwd: word.optional(),
  env: z.record(z.string().regex(/^[^=\0]+$/, "must be a variable name"), word).default({}),
  envFiles: z.array(word).max(20).default([]),
  user: z.string().min(1).max(100).optional(),
  readiness: readiness.optional(),
  liveness: liveness.optional(),
  startup: startup.optional(),
  watchdogSeconds: span.optional(),
  notifyFd: z.int().min(3).max(9).default(3),
  memory: memory.optional(),
};

/** What a daemon says of itself, before defaults that depend on its neighbours and on the host. */
export interface ServiceDraft {
  readonly name: string;
  readonly critical: boolean;
  readonly dependsOn: readonly Dependency[];
  readonly group?: string | undefined;
  readonly restart: RestartDraft;
  readonly stop: DaemonDefinition["stop"];
  readonly logs: LogLimits;
  readonly schedule?: DaemonDefinition["schedule"] | undefined;
  readonly readiness?: Readiness | undefined;
  readonly liveness?: Liveness | undefined;
}

export interface ProgramDraft extends ServiceDraft {
  readonly command: readonly string[];
  readonly cwd?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly envFiles: readonly string[];
  readonly user?: string | undefined;
  readonly startup?: StartUp | undefined;
  readonly watchdogSeconds?: number | undefined;
  readonly notifyFd: number;
  readonly memory?: DaemonDefinition["memory"] | undefined;
}

export const serviceSchema: z.ZodType<ServiceDraft> = section({
  ...commonKeys,
  readiness: serviceReadiness.prefault({}),
  liveness: serviceLiveness.prefault({}),
});

/** The whole file: the daemons and the groups that they name. */
export const fileSchema: z.ZodType<{
  readonly daemons: readonly ProgramDraft[];
  readonly groups: Readonly<Record<string, GroupStrategy>>;
}> = section({
  daemons: z.array(section({ ...commonKeys, ...programKeys })).max(maxDaemons),
  groups: z.record(daemonName, z.enum(groupStrategies)).default({}),
});
