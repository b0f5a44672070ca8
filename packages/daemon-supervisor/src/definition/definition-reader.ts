import type { z } from "zod";
import { defaultRestartLimits } from "../core/restart-policy.ts";
import type { InProcessService } from "../runner/in-process-service.ts";
import { scheduleProblem } from "../runner/schedule.ts";
import type { DaemonDefinition, DefinitionProblem, GroupStrategy } from "./definition.ts";
import { type DefinitionHost, thisHost } from "./definition-host.ts";
import { findProblems, problemsError, problemText } from "./definition-problems.ts";
import { fileSchema, type ProgramDraft, type ServiceDraft, serviceSchema } from "./definition-schema.ts";
import { reasonOf } from "./problem-reason.ts";

type Groups = Readonly<Record<string, GroupStrategy>>;

/** Reads plain data (as parsed from YAML or JSON) into definitions, or says everything that is wrong with it. */
export function readDefinitions(
  data: unknown,
  host: DefinitionHost = thisHost(),
): { definitions: DaemonDefinition[]; problems: DefinitionProblem[] } {
  const parsed = fileSchema.safeParse(data, { reportInput: true });
  if (!parsed.success) return { definitions: [], problems: parsed.error.issues.flatMap(toProblems) };
  const { daemons, groups } = parsed.data;
  const problems: DefinitionProblem[] = [];
  const definitions = daemons.map((draft, index) =>
    fromProgram(draft, groups, host, (keys, reason) =>
      problems.push({ path: ["daemons", index, ...keys], reason }),
    ),
  );
  return { definitions, problems: [...problems, ...findProblems(definitions)] };
}

/**
 * Defines a service inside this process; `options` are the keys of the daemons file that make sense for one: name,
 * critical, dependsOn, restart, stop, readiness (`withinSeconds`), liveness (without a target), schedule.
 * @throws RingRiftError `DAEMONS_INVALID` naming key and reason.
 *
 * @example
 * defineService({ name: "collector", critical: true }, collector);
 */
export function defineService(
  options: { readonly name: string } & Readonly<Record<string, unknown>>,
  service: InProcessService,
): DaemonDefinition {
  const parsed = serviceSchema.safeParse(options, { reportInput: true });
  if (!parsed.success) throw problemsError(parsed.error.issues.flatMap(toProblems).map(problemText));
  const asks = service.healthCheck !== undefined;
  return {
    ...common(parsed.data, {}, () => undefined),
    service,
    readiness: parsed.data.readiness ?? null,
    liveness: asks ? (parsed.data.liveness ?? null) : null,
  };
}

function toProblems(issue: z.core.$ZodIssue): DefinitionProblem[] {
  if (issue.code !== "unrecognized_keys") return [{ path: issue.path, reason: reasonOf(issue) }];
  const reasons = issue.message.split("\n");
  return issue.keys.map((key, i) => ({ path: [...issue.path, key], reason: reasons[i] ?? "unknown key" }));
}

type Complain = (keys: readonly PropertyKey[], reason: string) => void;

function fromProgram(
  draft: ProgramDraft,
  groups: Groups,
  host: DefinitionHost,
  complain: Complain,
): DaemonDefinition {
  const { readiness = null, startup = null, memory = null } = draft;
  const watchdogMs = draft.watchdogSeconds === undefined ? null : draft.watchdogSeconds * 1000;
  const megabytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);
  if (memory !== null && memory.maxBytes > host.memoryBytes)
    complain(
      ["memory", "maxMegabytes"],
      `${megabytes(memory.maxBytes)} MB can never be reached: this host has ${megabytes(host.memoryBytes)} MB`,
    );
  return {
    ...common(draft, groups, complain),
    command: draft.command,
    cwd: draft.cwd ?? null,
    env: { ...envOf(draft.envFiles, host, complain), ...draft.env },
    user: draft.user === undefined ? null : userOf(draft.user, host, complain),
    readiness,
    liveness: draft.liveness ?? null,
    startup,
    watchdogMs,
    notifyFd: watchdogMs !== null || readiness?.kind === "notify" ? draft.notifyFd : null,
    memory,
    schedule: scheduleOf(draft.schedule ?? null, host, complain),
  };
}

function envOf(
  files: readonly string[],
  host: DefinitionHost,
  complain: Complain,
): Readonly<Record<string, string>> {
  let env = {};
  for (const [index, file] of files.entries()) {
    const read = host.envFile(file);
    if (typeof read === "string") complain(["envFiles", index], read);
    else env = { ...env, ...read };
  }
  return env;
}

function userOf(name: string, host: DefinitionHost, complain: Complain): DaemonDefinition["user"] {
  const account = host.account(name);
  if (typeof account !== "string") return account;
  complain(["user"], account);
  return null;
}

function scheduleOf(
  schedule: DaemonDefinition["schedule"],
  host: DefinitionHost,
  complain: Complain,
): DaemonDefinition["schedule"] {
  const problem = schedule === null ? null : scheduleProblem(schedule, host.nowMs);
  if (problem !== null) complain(["schedule"], problem);
  return schedule;
}

/** What programs and services share, with every default filled in. */
function common(draft: ServiceDraft, groups: Groups, complain: Complain): DaemonDefinition {
  const { critical, restart } = draft;
  const limits = defaultRestartLimits(critical);
  const given = restart.limits;
  const strategy = draft.group === undefined ? undefined : groups[draft.group];
  if (draft.group !== undefined && strategy === undefined)
    complain(
      ["group"],
      `unknown group "${draft.group}"; defined are ${Object.keys(groups).join(", ") || "none"}`,
    );
  return {
    name: draft.name,
    command: [],
    service: null,
    cwd: null,
    env: {},
    user: null,
    critical,
    dependsOn: [...new Map(draft.dependsOn.map((one) => [one.name, one])).values()],
    group: draft.group === undefined || strategy === undefined ? null : { name: draft.group, strategy },
    exits: {
      mode: restart.exits.mode ?? (draft.schedule === undefined ? "always" : "never"),
      success: restart.exits.success ?? [0],
      prevent: restart.exits.prevent ?? [],
      force: restart.exits.force ?? [],
    },
    restart: {
      stableMs: given.stableMs ?? limits.stableMs,
      firstDelayMs: given.firstDelayMs ?? limits.firstDelayMs,
      maxDelayMs: given.maxDelayMs ?? limits.maxDelayMs,
      jitterRatio: given.jitterRatio ?? limits.jitterRatio,
      burstDeaths: given.burstDeaths ?? limits.burstDeaths,
      burstWindowMs: given.burstWindowMs ?? limits.burstWindowMs,
      hourlyDeaths: given.hourlyDeaths ?? limits.hourlyDeaths,
      degradedRetryMs: given.degradedRetryMs ?? limits.degradedRetryMs,
    },
    stop: draft.stop,
    readiness: null,
    liveness: null,
    startup: null,
    watchdogMs: null,
    notifyFd: null,
    memory: null,
    logs: draft.logs,
    schedule: draft.schedule ?? null,
  };
}
