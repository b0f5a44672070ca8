import { hostname } from "node:os";
import type { CliConfig } from "@ringrift/config";
import { createCustomChecks, createProbes, createTextfiles, runProbe } from "@ringrift/probes";
import type { CheckReport } from "@ringrift/protocol";
import { stateWord, table, tint } from "./table.ts";

/** What `ringrift scan` found on this host. */
export interface Scan {
  readonly host: string;
  readonly checks: readonly CheckReport[];
}

/** Runs every probe once, at the same time, on this host; needs no server. */
export async function scanHost(config: CliConfig): Promise<Scan> {
  const nowSeconds = (): number => Date.now() / 1000;
  const { nvidiaSmi, expectedGpus, kernelLog, processPatterns, metricsDir } = config;
  const probes = [
    ...createProbes({
      nvidiaSmi,
      expectedGpus,
      kernelLog,
      processPatterns,
      timeoutSeconds: config.healthCheckTimeoutSeconds,
      nowSeconds,
    }),
    ...createCustomChecks(config, nowSeconds).probes,
    ...(metricsDir === null ? [] : [createTextfiles(metricsDir, nowSeconds).probe]),
  ];
  const outcomes = await Promise.all(probes.map((probe) => runProbe(probe, nowSeconds)));
  for (const probe of probes) probe.close?.();
  return { host: hostname(), checks: outcomes.map((outcome) => outcome.report) };
}

export function scanScreen({ host, checks }: Scan): string {
  const lines = [
    `host ${host}`,
    "",
    table(
      ["CHECK", "STATE", "WHY", "TOOK"],
      checks.map((check) => [
        check.check,
        stateWord(check.state),
        check.reason,
        `${Math.round(check.durationSeconds * 1000)} ms`,
      ]),
    ),
  ];
  const actions = checks.filter((check) => check.action !== undefined && check.action !== "");
  if (actions.length > 0)
    lines.push(
      "",
      "What to do",
      ...actions.map((check) => `  ${tint(check.check, "warn")}  ${check.action}`),
    );
  return lines.join("\n");
}

/** The line that a monitoring system reads, after the table for people. */
export function scanSummary(checks: readonly CheckReport[]): string {
  const count = (state: CheckReport["state"]): number =>
    checks.filter((check) => check.state === state).length;
  return `${checks.length} checks: ${count("healthy")} healthy, ${count("degraded")} degraded, ${count("unhealthy")} unhealthy, ${count("unknown")} unknown, ${count("not_applicable")} not applicable`;
}
