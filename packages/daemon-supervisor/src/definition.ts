import { RingRiftError } from "@ringrift/protocol";
import { z } from "zod";
import { findCycle, unknownDependencies } from "./dependency-graph.ts";
import { defaultRestartLimits, type RestartLimits, unreachableLimit } from "./restart-policy.ts";

/** How a daemon's health is asked for: exactly one of the three. */
export type HealthTarget =
  | { readonly kind: "http"; readonly url: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "exec"; readonly argv: readonly string[] };

export interface DaemonHealthCheck {
  readonly target: HealthTarget;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** One daemon to keep running, with every default filled in. */
export interface DaemonDefinition {
  readonly name: string;
  /** Program and arguments; never passed through a shell. */
  readonly command: readonly string[];
  readonly cwd: string | null;
  /** Added to the supervisor's own environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly critical: boolean;
  readonly dependsOn: readonly string[];
  readonly restart: RestartLimits;
  readonly stop: { readonly signal: StopSignal; readonly graceMs: number };
  readonly health: DaemonHealthCheck | null;
  /** After a start, failing health checks do not count for this long. */
  readonly startupGraceMs: number;
}

const stopSignals = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;
export type StopSignal = (typeof stopSignals)[number];

/** A mistake and the keys that lead to it. */
export interface DefinitionProblem {
  readonly path: readonly PropertyKey[];
  readonly reason: string;
}

const maxDaemons = 500;
const noNul = (text: string): boolean => !text.includes("\0");
const word = z.string().refine(noNul, "must not contain a NUL character");
const argv = z
  .array(word)
  .min(1, "needs a program")
  .max(1000)
  .refine((words) => words[0] !== "", { message: "needs a program, not an empty string", path: [0] });
const span = z.number().positive().max(86_400);

const healthSchema = z
  .strictObject({
    http: z.url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" }).optional(),
    tcp: z
      .string()
      .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/, "must be host:port, such as 127.0.0.1:5432")
      .refine((text) => portOf(text) >= 1 && portOf(text) <= 65_535, "port must be 1 to 65535")
      .optional(),
    exec: argv.optional(),
    intervalSeconds: span.default(10),
    timeoutSeconds: span.default(5),
  })
  .refine(
    (health) => [health.http, health.tcp, health.exec].filter((one) => one !== undefined).length === 1,
    {
      message: "needs exactly one of http, tcp and exec",
    },
  );

const restartSchema = z.strictObject({
  stableSeconds: span.optional(),
  firstDelaySeconds: span.optional(),
  maxDelaySeconds: span.optional(),
  jitterRatio: z.number().min(0).max(0.9).optional(),
  burstDeaths: z.int().min(1).max(1000).optional(),
  burstWindowSeconds: span.optional(),
  hourlyDeaths: z.int().min(1).max(1000).optional(),
  degradedRetrySeconds: span.optional(),
});

const daemonSchema = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
      "must start with a letter or digit and hold only letters, digits, '.', '_' and '-', at most 100",
    ),
  command: argv,
  cwd: word.min(1).optional(),
  env: z.record(z.string().regex(/^[^=\0]+$/, "must be a variable name"), word).default({}),
  critical: z.boolean().default(false),
  dependsOn: z.array(z.string()).max(maxDaemons).default([]),
  restart: restartSchema.default({}),
  stop: z
    .strictObject({
      signal: z.enum(stopSignals).default("SIGTERM"),
      graceSeconds: z.number().min(0).max(3600).default(10),
    })
    .prefault({}),
  health: healthSchema.optional(),
  startupGraceSeconds: z.number().min(0).max(86_400).default(60),
});

const fileSchema = z.strictObject({ daemons: z.array(daemonSchema).max(maxDaemons) });

type DaemonInput = z.output<typeof daemonSchema>;

/** Reads plain data (as parsed from YAML or JSON) into definitions, or says everything that is wrong with it. */
export function readDefinitions(data: unknown): {
  definitions: DaemonDefinition[];
  problems: DefinitionProblem[];
} {
  const parsed = fileSchema.safeParse(data);
  if (!parsed.success) return { definitions: [], problems: parsed.error.issues.flatMap(toProblems) };
  const definitions = parsed.data.daemons.map(toDefinition);
  return { definitions, problems: findProblems(definitions) };
}

/** Mistakes that no single definition shows: duplicates, unknown dependencies, cycles, unreachable limits. */
function findProblems(definitions: readonly DaemonDefinition[]): DefinitionProblem[] {
  const problems: DefinitionProblem[] = [];
  const first = new Map<string, number>();
  for (const [index, { name, restart }] of definitions.entries()) {
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, index);
    else {
      problems.push({
        path: ["daemons", index, "name"],
        reason: `duplicate name "${name}", also daemons[${earlier}]`,
      });
    }
    if (restart.maxDelayMs < restart.firstDelayMs) {
      problems.push({
        path: ["daemons", index, "restart", "maxDelaySeconds"],
        reason: `${restart.maxDelayMs / 1000} s is less than firstDelaySeconds, ${restart.firstDelayMs / 1000} s`,
      });
    }
    const unreachable = unreachableLimit(restart);
    if (unreachable !== null) problems.push({ path: ["daemons", index, "restart"], reason: unreachable });
  }
  for (const { name, missing } of unknownDependencies(definitions)) {
    const index = first.get(name) ?? 0;
    problems.push({
      path: ["daemons", index, "dependsOn", definitions[index]?.dependsOn.indexOf(missing) ?? 0],
      reason: `unknown daemon "${missing}"; defined are ${[...first.keys()].slice(0, 20).join(", ")}`,
    });
  }
  const cycle = findCycle(definitions);
  if (cycle !== null) {
    problems.push({
      path: ["daemons", first.get(cycle[0] ?? "") ?? 0, "dependsOn"],
      reason: `dependency cycle: ${cycle.join(" -> ")}`,
    });
  }
  return problems;
}

/**
 * Refuses a set of definitions that cannot be supervised together.
 * @throws RingRiftError `DAEMONS_INVALID` with every problem found.
 */
export function checkDefinitions(definitions: readonly DaemonDefinition[]): void {
  const problems = findProblems(definitions);
  if (problems.length > 0) throw problemsError(problems.map(problemText));
}

/** One error for many problems; at most 20 are spelt out. */
export function problemsError(texts: readonly string[]): RingRiftError {
  const more = texts.length > 20 ? [`and ${texts.length - 20} more`] : [];
  return new RingRiftError([...texts.slice(0, 20), ...more].join("\n"), {
    code: "DAEMONS_INVALID",
    nextStep: "Correct the daemon definitions and load them again; nothing was changed.",
  });
}

/** `daemons[1].restart: reason`. */
export function problemText(problem: DefinitionProblem): string {
  const key = problem.path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i === 0 ? "" : "."}${String(part)}`))
    .join("");
  return `${key === "" ? "(top level)" : key}: ${problem.reason}`;
}

function toProblems(issue: z.core.$ZodIssue): DefinitionProblem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...issue.path, key], reason: "unknown key" }));
  }
  return [{ path: issue.path, reason: issue.message }];
}

function portOf(text: string): number {
  return Number(text.slice(text.lastIndexOf(":") + 1));
}

function toTarget(health: z.output<typeof healthSchema>): HealthTarget {
  if (health.http !== undefined) return { kind: "http", url: health.http };
  if (health.exec !== undefined) return { kind: "exec", argv: health.exec };
  const tcp = health.tcp ?? "";
  const host = tcp.slice(0, tcp.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  return { kind: "tcp", host, port: portOf(tcp) };
}

function toDefinition(input: DaemonInput): DaemonDefinition {
  const { restart, health } = input;
  const ms = (value: number | undefined, fallback: number): number =>
    value === undefined ? fallback : value * 1000;
  const limits = defaultRestartLimits(input.critical);
  return {
    name: input.name,
    command: input.command,
    cwd: input.cwd ?? null,
    env: input.env,
    critical: input.critical,
    dependsOn: [...new Set(input.dependsOn)],
    restart: {
      stableMs: ms(restart.stableSeconds, limits.stableMs),
      firstDelayMs: ms(restart.firstDelaySeconds, limits.firstDelayMs),
      maxDelayMs: ms(restart.maxDelaySeconds, limits.maxDelayMs),
      jitterRatio: restart.jitterRatio ?? limits.jitterRatio,
      burstDeaths: restart.burstDeaths ?? limits.burstDeaths,
      burstWindowMs: ms(restart.burstWindowSeconds, limits.burstWindowMs),
      hourlyDeaths: restart.hourlyDeaths ?? limits.hourlyDeaths,
      degradedRetryMs: ms(restart.degradedRetrySeconds, limits.degradedRetryMs),
    },
    stop: { signal: input.stop.signal, graceMs: input.stop.graceSeconds * 1000 },
    health:
      health === undefined
        ? null
        : {
            target: toTarget(health),
            intervalMs: health.intervalSeconds * 1000,
            timeoutMs: health.timeoutSeconds * 1000,
          },
    startupGraceMs: input.startupGraceSeconds * 1000,
  };
}
