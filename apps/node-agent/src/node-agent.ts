import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { NodeAgentConfig } from "@ringrift/config";
import { createDaemonManager, type DaemonManager, loadDaemonsFile } from "@ringrift/daemon-supervisor";
import { createBeat, createEndpoints, type Gate, listen } from "@ringrift/endpoints";
import { createMesh, loadTrust, parseServers } from "@ringrift/mesh";
import { ExpositionCache, ProcessMetrics, ReadingsExporter } from "@ringrift/metrics";
import { EventLog } from "@ringrift/orchestrator";
import { addReadingRoutes, createOverview, type Overview, steadyClock } from "@ringrift/overview";
import { createStages, loadStages, saveStages } from "@ringrift/pipeline";
import type { ProgramContext, Running } from "@ringrift/program";
import { errorText, HealthCheckResult } from "@ringrift/protocol";
import { addDaemonRoutes } from "./daemon-routes.ts";
import { Deaths } from "./deaths.ts";
import { createHostChecks } from "./host-checks.ts";
import { createHostReport } from "./host-report.ts";
import { watchOwnEndpoint } from "./own-endpoint.ts";
import { addTrainerRoutes } from "./trainer-routes.ts";

const tickMs = 1000;
const beatStaleMs = 5000;
/** Of the 10 s that a program has to stop; the rest is for the proof that nothing is left, and for saying goodbye. */
const daemonsStopMs = 6000;
/** A wake-up each tenth of a second would cost an idle agent a sixth of its CPU time. */
const loopResolutionMs = 500;

/** Starts probes, daemons, mesh and HTTP of one host. @throws RingRiftError when the port or a file is unusable. */
export async function startNodeAgent(config: NodeAgentConfig, context: ProgramContext): Promise<Running> {
  const { log, version } = context;
  const { nodeId } = config;
  const nowSeconds = steadyClock();
  const report = createHostReport({
    version,
    startedAt: context.startedAtSeconds,
    ...(config.expectedGpus === null ? {} : { expectedGpus: config.expectedGpus }),
  });
  // By node, so that several agents of one host keep apart.
  const dataDir = join(config.dataDir, "node-agent", nodeId);
  const stageFile = join(dataDir, "stages.json");
  const stages = createStages(undefined, loadStages(stageFile));
  const definitions = config.daemonsFile === null ? [] : loadDaemonsFile(config.daemonsFile);

  const servers = parseServers(config.servers.join(","));
  const trustFiles = { keyFile: config.meshKeyFile, tls: config.meshTls };
  const mesh = createMesh({
    clusterId: config.clusterId,
    nodeId,
    role: "agent",
    version,
    servers,
    self: null,
    dataDir,
    ...loadTrust(trustFiles),
    heartbeatIntervalMs: config.heartbeatIntervalSeconds * 1000,
    fullReport: () => report.full(nowSeconds()),
    log: (level, message, fields) => log[level](fields ?? {}, message),
  });
  const overview = createOverview({
    teller: {
      id: nodeId,
      role: "agent",
      version,
      startedAtSeconds: context.startedAtSeconds,
      clusterId: config.clusterId,
      elector: config.servers.length > 1 ? "mesh" : "standalone",
    },
    mesh: () => mesh.status(),
    expectedNodes: 0,
    thresholds: config.thresholds,
    eventLog: new EventLog({ emitter: nodeId }),
    nowSeconds,
  });
  const deaths = new Deaths();
  const daemons = createDaemonManager({
    definitions,
    nodeId,
    // Without daemons there is nothing to outlive this process.
    ...(config.daemonsFile === null ? {} : { stateDir: join(dataDir, "supervisor") }),
    // Starts and ends of daemons are told from the report, here as on the servers; only its verdicts are its own.
    onEvent: (event) => {
      if (event.name === "COORDINATOR_HEALTHY" || event.name === "COORDINATOR_UNHEALTHY")
        overview.emit(event);
      else {
        if (event.name === "DAEMON_FAILED") deaths.note(event.data.daemon, event.data.reason);
        publishDaemonsSoon();
      }
    },
    log: (level, message, fields) => log[level](fields ?? {}, message),
  });
  const processMetrics = new ProcessMetrics("node-agent", version, loopResolutionMs);
  const readings = new ReadingsExporter();
  const page = new ExpositionCache(() => [
    ...overview.families(),
    ...readings.families([{ node: nodeId, readings: report.checks().flatMap((check) => check.readings) }]),
    ...checks.families(),
    ...processMetrics.families(),
  ]);
  const beat = createBeat(() => performance.now(), beatStaleMs);

  /** Tells of what changed, here and to the servers. */
  function publish(): void {
    page.clear();
    const delta = report.takeDelta(nowSeconds());
    if (delta === null) return;
    overview.applyReport(nodeId, delta);
    mesh.sendReport(delta);
  }
  let daemonsAwaitPublishing = false;
  function tellDaemons(): void {
    const now = daemons.daemons();
    const between = deaths.take(now);
    if (between !== null) {
      report.setDaemons(between);
      publish();
    }
    report.setDaemons(now);
  }
  /** A daemon that dies and is back before the next tick has died all the same. */
  function publishDaemonsSoon(): void {
    if (daemonsAwaitPublishing) return;
    daemonsAwaitPublishing = true;
    setImmediate(() => {
      daemonsAwaitPublishing = false;
      tellDaemons();
      publish();
    });
  }
  function tick(): void {
    tellDaemons();
    report.setStages(stages.reports(nowSeconds()));
    report.setCircuits(overview.orchestrator.circuits());
    publish();
    overview.tick();
    beat.renew();
  }

  const checks = createHostChecks({ config, dataDir, mesh, report, onNews: tick, nowSeconds, log });

  const app = createEndpoints({
    health: () => new HealthCheckResult({ status: "healthy", timestamp: nowSeconds() }),
    gates: () => gates(overview, daemons, report.checks().length, checks.count),
    metrics: (accept) => page.read(accept),
    status: () => overview.status(),
    beat,
    onError: (error, path) => log.error({ err: error, path }, "a request failed"),
  });
  addReadingRoutes(app, overview);
  const token = config.apiTokenFile === null ? null : readFileSync(config.apiTokenFile, "utf8").trim();
  addDaemonRoutes(app, { daemons, token });
  addTrainerRoutes(app, {
    stages,
    token,
    onStageReport: (stage, ok) => {
      saveStages(stageFile, stages.memory());
      if (ok !== null)
        overview.orchestrator.recordCircuit(stage, ok, criticalStages.has(stage), nowSeconds());
      tick();
    },
    nowSeconds,
  });

  const listening = await listen({ app, host: config.host, port: config.port });
  mesh.onEvent((event) => overview.onMeshEvent(event));
  await mesh.start();
  await daemons.start();
  const endpoint = watchOwnEndpoint({ host: config.host, port: listening.port, servers }, (found) =>
    report.setEndpoint(found),
  );
  const ticker = setInterval(tick, tickMs);
  tick();
  checks.start();
  log.info({ url: `http://${config.host}:${listening.port}/`, nodeId }, "node-agent is up");

  return {
    stop: async () => {
      checks.stop();
      clearInterval(ticker);
      endpoint.stop();
      await daemons.stop(daemonsStopMs);
      await mesh.stop();
      await listening.close();
      processMetrics.stop();
      log.info("node-agent stopped");
    },
    abandon: () => daemons.abandon(),
    reload: async () => {
      const parts = [
        () => mesh.reload(loadTrust(trustFiles)),
        () => checks.reload(),
        async () => {
          if (config.daemonsFile !== null) await daemons.reload(loadDaemonsFile(config.daemonsFile));
        },
      ];
      // A bad file of one part does not keep the others back.
      const results = await Promise.allSettled(parts.map(async (part) => part()));
      const errors = results.flatMap((result): unknown[] =>
        result.status === "rejected" ? [result.reason] : [],
      );
      if (errors.length > 0) throw new AggregateError(errors, errors.map(errorText).join("; "));
    },
  };
}

/** Stages whose open circuit pauses the pipeline. */
const criticalStages: ReadonlySet<string> = new Set(["training", "evaluation", "promotion"]);

function gates(overview: Overview, daemons: DaemonManager, checksDone: number, checks: number): Gate[] {
  const { ageSeconds, leaderId } = overview.cluster();
  const connected = ageSeconds !== null && ageSeconds <= 5;
  return [
    {
      name: "checks",
      ok: checksDone >= checks,
      reason: `${checksDone} of ${checks} checks have run`,
    },
    {
      name: "mesh",
      ok: connected,
      reason: connected ? `leader ${leaderId ?? "none"}` : "no server has been heard for 5 s",
    },
    {
      name: "daemons",
      ok: daemons.readinessProbe(),
      reason: daemons.readinessProbe()
        ? "every daemon is ready"
        : `not ready: ${daemons.unready().slice(0, 10).join(", ") || "the supervisor is not running"}`,
    },
  ];
}
