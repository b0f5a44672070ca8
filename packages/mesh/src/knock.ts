import { randomUUID } from "node:crypto";
import { frameVersion, oldestFrameVersion, type PeerIdentity } from "@ringrift/protocol";
import { type LocalPeer, type RefusalReason, takeTrust } from "./auth.ts";
import { DialledSocket } from "./dialled-socket.ts";
import { dialHandshake } from "./handshake.ts";
import type { ServerAddress } from "./servers.ts";
import type { Trust } from "./trust.ts";

/** The agent that asks. */
export interface KnockOptions {
  readonly clusterId: string;
  readonly nodeId: string;
  /** Of the program. */
  readonly version: string;
  readonly heartbeatIntervalMs: number;
  readonly trust: Trust;
}

/** What a server says to an agent that only asks. */
export type KnockAnswer =
  /** Each has proved itself to the other as far as it takes to be let in. */
  | { readonly kind: "welcome"; readonly nodeId: string; readonly version: string }
  /** One of the two refuses the other: `refused_by_peer` is the server, which does not say why. */
  | { readonly kind: "refused"; readonly reason: RefusalReason; readonly error: Error | null }
  /** It answered over HTTP and took no WebSocket: 503 when it has no room now. */
  | { readonly kind: "no_upgrade"; readonly status: number }
  /** The connection failed; null when it was closed without a word. */
  | { readonly kind: "unreachable"; readonly error: Error | null };

/**
 * Asks a server whether it would let this agent in, and hangs up before it does, so that no member is listed. Takes 5 s at most.
 *
 * @throws MeshError `BAD_MESH_OPTIONS` when key or certificate are another node's
 */
export function knock(server: ServerAddress, options: KnockOptions): Promise<KnockAnswer> {
  const local = agentOf(options);
  const dialled = new DialledSocket(server.url, local.trust);
  const { socket } = dialled;
  const clock = { now: () => performance.now(), wallMs: () => Date.now() };
  const certified = (): DialledSocket["certified"] => dialled.certified;
  let host: PeerIdentity | null = null;
  return new Promise((resolve) => {
    const admit = (peer: PeerIdentity): RefusalReason => {
      host = peer;
      // The next word would be this agent's proof, and with it the agent would be a member.
      socket.close();
      return "not_running";
    };
    dialHandshake(socket, { local, clock, certified, admit }, server.voter, {
      onLink: (link) => link.close(),
      onRefused: (reason) => resolve(answerOf(reason, host, dialled)),
    });
  });
}

function answerOf(
  reason: RefusalReason | "closed",
  host: PeerIdentity | null,
  dialled: DialledSocket,
): KnockAnswer {
  if (host !== null) return { kind: "welcome", nodeId: host.nodeId, version: host.programVersion };
  if (dialled.insecure) return { kind: "refused", reason: "not_loopback", error: null };
  if (dialled.untrusted) return { kind: "refused", reason: "certificate", error: dialled.error };
  if (dialled.status !== null) return { kind: "no_upgrade", status: dialled.status };
  return reason === "closed"
    ? { kind: "unreachable", error: dialled.error }
    : { kind: "refused", reason, error: dialled.error };
}

function agentOf({ clusterId, nodeId, version, heartbeatIntervalMs, trust }: KnockOptions): LocalPeer {
  const local: LocalPeer = {
    clusterId,
    role: "agent",
    nodeId,
    instance: randomUUID(),
    voter: null,
    voters: [],
    boot: 1,
    programVersion: version,
    timing: { heartbeatMs: heartbeatIntervalMs, election: null },
    versions: { oldest: oldestFrameVersion, newest: frameVersion },
    trust: { keyring: null, tls: null },
  };
  takeTrust(local, trust);
  return local;
}
