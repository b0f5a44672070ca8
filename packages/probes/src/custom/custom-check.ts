import { hostProbe } from "../host/host-probe.ts";
import type { Probe } from "../probe.ts";
import { ProbeError } from "../probe-error.ts";
import { createProgramRunner, type ProgramRun } from "../program-run.ts";
import { steadyProbe } from "../steady-probe.ts";
import { type CheckDefinition, loadChecksFile, loadChecksFolder } from "./check-definition.ts";
import { judgePlugin, type PluginRun } from "./plugin-output.ts";

const maxOutputBytes = 64 * 1024;
/** Time to kill what overran and to say so. */
const marginSeconds = 5;

/** Where a user's own checks are defined; null where there are none. */
export interface CustomCheckPlaces {
  readonly checksFile: string | null;
  readonly checksDir: string | null;
}

/** The checks that a user brings, from a YAML file and a folder of programs. */
export interface CustomChecks {
  readonly probes: readonly Probe[];
  /**
   * Reads both places again. A check that did not change stays the same probe and goes on undisturbed; one that is gone or
   * changed is ended. After an error everything is as it was.
   *
   * @throws ProbeError `CHECKS_INVALID` naming the place and the mistake.
   */
  reload(): void;
}

/** @throws ProbeError `CHECKS_INVALID` naming the place and the mistake. */
export function createCustomChecks(places: CustomCheckPlaces, nowSeconds: () => number): CustomChecks {
  let current = new Map<string, Probe>();
  const reload = (): void => {
    const next = new Map<string, Probe>();
    for (const definition of loadDefinitions(places)) {
      const key = JSON.stringify(definition);
      next.set(key, current.get(key) ?? createCustomCheck(definition, nowSeconds));
    }
    for (const [key, probe] of current) if (!next.has(key)) probe.close?.();
    current = next;
  };
  reload();
  return {
    get probes() {
      return [...current.values()];
    },
    reload,
  };
}

/** Reads what defines them, without running anything. @throws ProbeError `CHECKS_INVALID` naming the place and the mistake. */
export function checkCustomChecks(places: CustomCheckPlaces): void {
  loadDefinitions(places);
}

function loadDefinitions({ checksFile, checksDir }: CustomCheckPlaces): CheckDefinition[] {
  const fromFile = checksFile === null ? [] : loadChecksFile(checksFile);
  const fromFolder = checksDir === null ? [] : loadChecksFolder(checksDir);
  const twice = fromFolder.find(({ name }) => fromFile.some((other) => other.name === name));
  if (twice !== undefined)
    throw new ProbeError(
      "CHECKS_INVALID",
      `the check ${twice.name} is in ${checksFile} and in ${checksDir}`,
      "Give one of them another name.",
    );
  return [...fromFile, ...fromFolder];
}

/** The check that runs a user's program: one run at a time, ended with all it started at its time-out. */
export function createCustomCheck(definition: CheckDefinition, nowSeconds: () => number): Probe {
  const [program = "", ...args] = definition.command;
  const name = `custom.${definition.name}`;
  const { timeoutSeconds, confirmRuns } = definition;
  const closing = new AbortController();
  const call = createProgramRunner({
    program,
    timeoutMs: timeoutSeconds * 1000,
    nowSeconds,
    maxOutputBytes,
    contained: true,
  });
  const probe = hostProbe(
    {
      name,
      title: `Custom check ${definition.name}`,
      reads: `${program}: its exit code and what it prints`,
      intervalSeconds: definition.intervalSeconds,
      timeoutSeconds: timeoutSeconds + marginSeconds,
      rules: [],
      cost: "what the program takes",
      startsProgram: true,
      confirm: { raise: confirmRuns, clear: 1 },
      async check(signal) {
        return {
          judgement: judgePlugin(
            name,
            runOf(program, await call(args, AbortSignal.any([signal, closing.signal]))),
          ),
        };
      },
    },
    nowSeconds,
  );
  return { ...steadyProbe(probe, probe.confirm), close: () => closing.abort() };
}

function runOf(program: string, run: ProgramRun): PluginRun {
  switch (run.kind) {
    case "exited":
      return run;
    case "missing":
      return { kind: "no_answer", reason: `${program} does not exist` };
    case "failed":
      return { kind: "no_answer", reason: `${program}: ${run.reason}` };
    case "too_long":
      return { kind: "no_answer", reason: `printed more than ${run.limitBytes} bytes and was ended` };
    case "timed_out":
      return { kind: "no_answer", reason: `gave no answer within ${run.afterSeconds} s and was ended` };
    case "hung":
      return { kind: "no_answer", reason: `could not be ended for ${Math.round(run.forSeconds)} s` };
  }
}
