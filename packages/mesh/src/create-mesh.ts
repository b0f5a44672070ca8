import { randomUUID } from "node:crypto";
import { frameVersion, oldestFrameVersion } from "@ringrift/protocol";
import { AgentPeer } from "./agent-peer.ts";
import { type LocalPeer, takeTrust } from "./auth.ts";
import { defaultElectionTiming, type ElectionTiming, validateTiming } from "./core/election-timing.ts";
import type { HandshakeClock } from "./handshake.ts";
import { nextBoot } from "./incarnation-file.ts";
import type { Mesh, MeshOptions } from "./mesh.ts";
import { MeshError } from "./mesh-error.ts";
import { ServerPeer } from "./server-peer.ts";

/**
 * This node's part in the mesh; nothing is dialled or answered before `start`.
 *
 * @throws ElectionTimingError on election times that contradict one another; MeshError `BAD_MESH_OPTIONS` on options that contradict one another, `DATA_DIR` when the data directory cannot be written
 */
export function createMesh(options: MeshOptions): Mesh {
  checkOptions(options);
  const clock: HandshakeClock = { now: () => performance.now(), wallMs: () => Date.now() };
  const local: LocalPeer = {
    clusterId: options.clusterId,
    role: options.role,
    nodeId: options.nodeId,
    instance: randomUUID(),
    voter: options.self,
    voters: options.servers.map((server) => server.voter),
    boot: nextBoot(options.dataDir, clock.wallMs(), options.log),
    programVersion: options.version,
    timing: {
      heartbeatMs: options.heartbeatIntervalMs,
      election: options.self === null || options.elector !== undefined ? null : electionTiming(options),
    },
    versions: { oldest: oldestFrameVersion, newest: frameVersion },
    trust: { keyring: null, tls: null },
  };
  takeTrust(local, { keyring: options.keyring, tls: options.tls ?? null });
  return options.self === null
    ? new AgentPeer(options, local, clock)
    : new ServerPeer(options, local, options.self, clock);
}

/** @throws ElectionTimingError naming the relation that does not hold */
function electionTiming({ electionTiming = defaultElectionTiming }: MeshOptions): ElectionTiming {
  return validateTiming(electionTiming);
}

function checkOptions({ role, self, servers, nodeId, heartbeatIntervalMs }: MeshOptions): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(nodeId))
    throw bad(
      `The node id "${nodeId}" is not one.`,
      "Use letters, digits, dot, dash and underscore, at most 100.",
    );
  if (!(heartbeatIntervalMs >= 50 && heartbeatIntervalMs <= 60_000))
    throw bad(`The heartbeat interval is ${heartbeatIntervalMs} ms.`, "Use 50 to 60,000 ms.");
  if (servers.length === 0 || servers.length > 7)
    throw bad(`${servers.length} servers are named.`, "Name 1 to 7.");
  if (role === "agent" && self !== null)
    throw bad(`An agent was given the voter id ${self}.`, "Agents do not vote.");
  if (role === "server" && !servers.some((server) => server.voter === self))
    throw bad(`The voter id ${self} is not among the servers.`, "Take it from findSelf.");
}

function bad(message: string, nextStep: string): MeshError {
  return new MeshError(message, { code: "BAD_MESH_OPTIONS", nextStep });
}
