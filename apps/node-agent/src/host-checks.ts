import { join } from "node:path";
import type { NodeAgentConfig } from "@ringrift/config";
import { credentialsReport, type Mesh } from "@ringrift/mesh";
import type { MetricFamily } from "@ringrift/metrics";
import { createSchedule, type ScheduledCheck } from "@ringrift/orchestrator";
import {
  createCustomChecks,
  createProbes,
  createTextfiles,
  type Probe,
  type ProbeOutcome,
  runProbe,
} from "@ringrift/probes";
import type { ProgramContext } from "@ringrift/program";
import { createCheckMetrics } from "./check-metrics.ts";
import type { HostReport } from "./host-report.ts";
import { watchNews } from "./news.ts";

export interface HostChecksOptions {
  readonly config: NodeAgentConfig;
  readonly dataDir: string;
  readonly mesh: Mesh;
  /** Where every outcome goes. */
  readonly report: HostReport;
  /** Something is in the report that should be told before the next tick. */
  readonly onNews: () => void;
  readonly nowSeconds: () => number;
  readonly log: ProgramContext["log"];
}

/** Every check of this host: the built-in ones, the user's own, and that of the agent's credentials. */
export interface HostChecks {
  /** How many there are now. */
  readonly count: number;
  start(): void;
  /** Reads the user's own checks again. @throws ProbeError `CHECKS_INVALID`; all is as it was then */
  reload(): void;
  stop(): void;
  /** What is counted of the checks, and what others have left to be passed on. */
  families(): MetricFamily[];
}

/** @throws ProbeError `CHECKS_INVALID` when the user's own checks cannot be read. */
export function createHostChecks(options: HostChecksOptions): HostChecks {
  const { config, dataDir, mesh, report, onNews, nowSeconds, log } = options;
  const metrics = createCheckMetrics();
  const textfiles = config.metricsDir === null ? null : createTextfiles(config.metricsDir, nowSeconds);
  const probes = [
    ...createProbes({
      nvidiaSmi: config.nvidiaSmi,
      expectedGpus: config.expectedGpus,
      kernelLog: config.kernelLog,
      kernelLogMemory: join(dataDir, "kernel-log.json"),
      processPatterns: config.processPatterns,
      timeoutSeconds: config.healthCheckTimeoutSeconds,
      clockOffsetSeconds: config.thresholds.CLOCK_OFFSET_SECONDS,
      serverClocks: () => mesh.serverClocks(),
      nowSeconds,
    }),
    ...(textfiles === null ? [] : [textfiles.probe]),
  ];
  const custom = createCustomChecks(config, nowSeconds);

  const scheduled = new WeakMap<Probe, ScheduledCheck<ProbeOutcome>>();
  /** The same object for the same probe, so that a reload leaves it alone. */
  function toSchedule(probe: Probe): ScheduledCheck<ProbeOutcome> {
    const known = scheduled.get(probe);
    if (known !== undefined) return known;
    const check = {
      name: probe.name,
      intervalSeconds: Math.min(probe.intervalSeconds, config.healthCheckIntervalSeconds),
      // What only reads is read in one turn, and told in one report.
      ...(probe.startsProgram === true ? {} : { phase: "host" }),
      run: () => runProbe(probe, nowSeconds),
    };
    scheduled.set(probe, check);
    return check;
  }
  const credentials: ScheduledCheck<ProbeOutcome> = {
    name: "mesh-credentials",
    intervalSeconds: config.healthCheckIntervalSeconds,
    run: async () => ({ report: credentialsReport(mesh.status().proof, config.thresholds, nowSeconds()) }),
  };
  const isKeyed = config.meshKeyFile !== null || config.meshTls !== null;
  const all = (): ScheduledCheck<ProbeOutcome>[] => [
    ...[...probes, ...custom.probes].map(toSchedule),
    ...(isKeyed ? [credentials] : []),
  ];
  report.expectChecks(all().map(({ name }) => name));

  function addOutcome(outcome: ProbeOutcome): void {
    report.addOutcome(outcome);
    metrics.observe(outcome.report);
  }
  const schedule = createSchedule<ProbeOutcome>({
    nodeId: config.nodeId,
    checks: all(),
    onOutcome: addOutcome,
    onError: (error, check) => log.error({ err: error, check }, "a check could not be run"),
  });
  /** The first run of a check is told as soon as it is done. */
  function tellOnceDone(run: Promise<void>): void {
    run.then(onNews).catch((error: unknown) => log.error({ err: error }, "the first checks failed"));
  }
  let stopNews = (): void => undefined;

  return {
    get count() {
      return all().length;
    },
    start: () => {
      tellOnceDone(schedule.start());
      stopNews = watchNews(
        probes,
        (outcomes) => {
          for (const outcome of outcomes) addOutcome(outcome);
          onNews();
        },
        (error) => log.error({ err: error }, "the kernel log could not be followed"),
      );
    },
    reload: () => {
      const before = custom.probes.map(({ name }) => name);
      custom.reload();
      const left = new Set(custom.probes.map(({ name }) => name));
      for (const name of before) {
        if (left.has(name)) continue;
        report.removeCheck(name);
        metrics.forget(name);
      }
      tellOnceDone(schedule.replace(all()));
    },
    stop: () => {
      schedule.stop();
      stopNews();
      for (const probe of [...probes, ...custom.probes]) probe.close?.();
    },
    families: () => [...metrics.families(), ...(textfiles?.families() ?? [])],
  };
}
