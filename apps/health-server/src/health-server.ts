import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { HealthServerConfig } from "@ringrift/config";
import { createEtcdElector, loadEtcdAccess } from "@ringrift/elector-etcd";
import { createBeat, createEndpoints, type Gate, listen } from "@ringrift/endpoints";
import { createMesh, findSelf, loadTrust, type MeshLog, parseServers } from "@ringrift/mesh";
import { expose, type NodeReadings, ProcessMetrics, ReadingsExporter } from "@ringrift/metrics";
import { applyProposal, EventLog } from "@ringrift/orchestrator";
import { addReadingRoutes, createOverview, type Overview, steadyClock } from "@ringrift/overview";
import type { ProgramContext, Running } from "@ringrift/program";
import { HealthCheckResult, type NodeState } from "@ringrift/protocol";
import { addHttpSdRoute } from "./http-sd-route.ts";
import { addRetireRoutes } from "./retire-routes.ts";
import { ServerReport } from "./server-report.ts";

const tickMs = 1000;
/** Ticks that may be missed before /livez says that the main loop has stalled. */
const beatStaleMs = 5000;

/** Starts HTTP and mesh on one port. @throws RingRiftError when the port, the voter list or the vote file is unusable. */
export async function startHealthServer(
  config: HealthServerConfig,
  context: ProgramContext,
): Promise<Running> {
  const { log, version } = context;
  const nowSeconds = steadyClock();
  const servers = parseServers(config.servers.join(","));
  const localAddresses = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map((item) => item.address),
  );
  const meshLog: MeshLog = (level, message, fields) => log[level](fields ?? {}, message);
  const { host, port, nodeId, clusterId } = config;
  const self = findSelf(servers, { host, port, nodeId, localAddresses });
  const dataDir = join(config.dataDir, "health-server", nodeId);
  const voters = servers.map(({ voter }) => voter);
  const endpoints = config.etcdEndpoints ?? [];
  const trustFiles = { keyFile: config.meshKeyFile, tls: config.meshTls };
  const trust = loadTrust(trustFiles);
  const elector =
    config.elector === "etcd"
      ? createEtcdElector({
          self,
          voters,
          clusterId,
          endpoints,
          access: loadEtcdAccess(config.etcdAccess),
          dataDir,
          log: meshLog,
        })
      : null;
  const report = new ServerReport({
    version,
    startedAt: context.startedAtSeconds,
    proof: () => mesh.status().proof,
    thresholds: config.thresholds,
  });
  const mesh = createMesh({
    clusterId,
    nodeId,
    role: "server",
    version,
    servers,
    self,
    dataDir,
    ...trust,
    heartbeatIntervalMs: config.heartbeatIntervalSeconds * 1000,
    fullReport: () => report.full(nowSeconds()),
    applyProposal,
    log: meshLog,
    ...(elector === null ? {} : { elector }),
  });
  const overview = createOverview({
    teller: {
      id: config.nodeId,
      role: "server",
      version,
      startedAtSeconds: context.startedAtSeconds,
      clusterId: config.clusterId,
      elector: config.elector,
    },
    mesh: () => mesh.status(),
    expectedNodes: config.expectedNodes,
    thresholds: config.thresholds,
    eventLog: new EventLog({ emitter: config.nodeId }),
    nowSeconds,
  });
  const beat = createBeat(() => performance.now(), beatStaleMs);
  const processMetrics = new ProcessMetrics("health-server", version);
  const readings = new ReadingsExporter();
  const app = createEndpoints({
    health: () => new HealthCheckResult({ status: "healthy", timestamp: nowSeconds() }),
    gates: () => gates(overview, mesh.status().elector?.detail ?? ""),
    metrics: (accept) =>
      expose(
        [...overview.families(), ...readings.families(nodeReadings(overview)), ...processMetrics.families()],
        accept,
      ),
    status: () => overview.status(),
    beat,
    onError: (error, path) => log.error({ err: error, path }, "a request failed"),
  });
  addReadingRoutes(app, overview);
  const token = config.apiTokenFile === null ? null : readFileSync(config.apiTokenFile, "utf8").trim();
  addHttpSdRoute(app, { overview, nowSeconds });
  addRetireRoutes(app, { mesh, overview, token, nowSeconds });

  const listening = await listen({
    app,
    host: config.host,
    port: config.port,
    tls: trust.tls,
    onUpgrade: (request, socket, head) => mesh.handleUpgrade(request, socket, head),
  });
  mesh.onEvent((event) => overview.onMeshEvent(event));
  await mesh.start();
  const tick = (): void => {
    const own = report.full(nowSeconds());
    overview.applyReport(nodeId, own);
    mesh.sendReport(own);
    overview.tick();
    beat.renew();
  };
  const ticker = setInterval(tick, tickMs);
  tick();
  const scheme = trust.tls === null ? "http" : "https";
  log.info(
    { url: `${scheme}://${config.host}:${listening.port}/`, nodeId: config.nodeId },
    "health-server is up",
  );

  return {
    stop: async () => {
      clearInterval(ticker);
      await mesh.stop();
      await listening.close();
      processMetrics.stop();
      log.info("health-server stopped");
    },
    reload: async () => {
      const renewed = loadTrust(trustFiles);
      elector?.renew(loadEtcdAccess(config.etcdAccess));
      mesh.reload(renewed);
      report.renew();
      if (renewed.tls !== null) listening.renewTls(renewed.tls);
    },
  };
}

function gates(overview: Overview, electorDetail: string): Gate[] {
  const cluster = overview.cluster();
  return [
    { name: "quorum", ok: cluster.quorum.held, reason: electorDetail },
    {
      name: "leader",
      ok: cluster.leaderId !== null,
      reason: cluster.leaderId === null ? "no leader" : `${cluster.leaderId} leads in epoch ${cluster.epoch}`,
    },
  ];
}

const hidden: ReadonlySet<NodeState> = new Set(["unknown", "offline", "retired"]);

/** The readings of every node in use whose reports are fresh: an old value is not shown as if it were one of now. */
function nodeReadings(overview: Overview): NodeReadings[] {
  return overview.orchestrator
    .getNodes()
    .filter(({ role, state }) => role === "agent" && !hidden.has(state))
    .map((node) => ({ node: node.id, readings: node.checks.flatMap((check) => check.readings) }));
}
