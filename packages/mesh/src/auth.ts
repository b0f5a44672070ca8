import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { NodeRole, PeerIdentity, PeerTiming } from "@ringrift/protocol";
import { acceptedKey, type Keyring, type MeshKey, nodeOfKid, signingKey } from "./keyring.ts";
import { MeshError } from "./mesh-error.ts";
import type { CertifiedPeer } from "./mesh-tls.ts";
import type { PeerFault } from "./peer-fault.ts";
import { electionsFit } from "./peer-timing.ts";
import type { Trust } from "./trust.ts";

/** What stays the same of this node over all its links. */
export interface LocalPeer {
  readonly clusterId: string;
  readonly role: NodeRole;
  readonly nodeId: string;
  readonly instance: string;
  readonly voter: string | null;
  readonly voters: readonly string[];
  readonly boot: number;
  readonly programVersion: string;
  readonly timing: PeerTiming;
  /** The versions of frames that it speaks. */
  readonly versions: { readonly oldest: number; readonly newest: number };
  /** What it trusts now; a reload puts another in its place, for the handshakes after it. */
  readonly trust: Trust;
}

/** @throws MeshError `BAD_MESH_OPTIONS` when key or certificate are another node's */
export function checkTrust(
  { clusterId, role, nodeId }: Pick<LocalPeer, "clusterId" | "role" | "nodeId">,
  { keyring, tls }: Trust,
): void {
  const name = tls?.name ?? { clusterId, role, nodeId };
  if (name.clusterId !== clusterId || name.role !== role || name.nodeId !== nodeId)
    throw new MeshError(
      `The certificate is of the ${name.role} ${name.nodeId} in the cluster ${name.clusterId}, this is the ${role} ${nodeId} in ${clusterId}.`,
      { code: "BAD_MESH_OPTIONS", nextStep: "Give each node a certificate of its own." },
    );
  const foreign = keyring?.keys.find(
    ({ kid }) => nodeOfKid(kid) !== null && (role === "server" || nodeOfKid(kid) !== nodeId),
  );
  if (foreign !== undefined)
    throw new MeshError(`The key ${foreign.kid} belongs to one agent, and this is the ${role} ${nodeId}.`, {
      code: "BAD_MESH_OPTIONS",
      nextStep: "Give servers the whole key, and each agent the key that was made for its node id.",
    });
}

/** Puts what this node trusts in place of what it trusted. @throws as {@link checkTrust} */
export function takeTrust(local: LocalPeer, trust: Trust): void {
  checkTrust(local, trust);
  local.trust.keyring = trust.keyring;
  local.trust.tls = trust.tls;
}

/** Why a peer was refused; counted on this side, never told to the peer. */
export type RefusalReason =
  | "origin_header"
  | "not_loopback"
  | "version"
  | "cluster"
  | "role"
  | "voter_unknown"
  | "voters_differ"
  | "timing"
  | "wrong_server"
  | "duplicate_node"
  | "key"
  | "certificate"
  | PeerFault
  | "handshake_timeout"
  | "address_blocked"
  | "too_many"
  | "old_incarnation"
  | "not_running"
  | "refused_by_peer";

/** This node's identity for one new link: a fresh nonce, and the key that signs now. */
export function identityFor(local: LocalPeer, nowMs: number, dialer?: PeerIdentity): PeerIdentity {
  return {
    version: local.versions.newest,
    oldestVersion: local.versions.oldest,
    clusterId: local.clusterId,
    role: local.role,
    nodeId: local.nodeId,
    instance: local.instance,
    voter: local.voter,
    votersDigest: votersDigest(local.voters),
    boot: local.boot,
    programVersion: local.programVersion,
    timing: local.timing,
    nonce: randomBytes(32).toString("hex"),
    kid: signingKid(local.trust.keyring, dialer?.kid ?? null, nowMs),
  };
}

/** The dialer's key where it is accepted: a node that was away during a rotation knows only the old one. */
function signingKid(keyring: Keyring | null, dialerKid: string | null, nowMs: number): string | null {
  if (keyring === null) return null;
  const key = acceptedKey(keyring, dialerKid, nowMs) ?? signingKey(keyring, nowMs);
  return key?.kid ?? null;
}

/** Two servers with different lists of voters differ in this. */
function votersDigest(voters: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(voters.toSorted())).digest("hex").slice(0, 16);
}

/** Both sides of one link. */
export interface Parties {
  readonly dialer: PeerIdentity;
  readonly acceptor: PeerIdentity;
}
export type Side = "dialer" | "acceptor";

/** The proof of one side, HMAC-SHA-256 in hex over both identities and the direction; null without a key. */
export function prove(keyring: Keyring | null, parties: Parties, side: Side, nowMs: number): string | null {
  if (keyring === null) return null;
  const key = keyOf(keyring, parties, side, nowMs);
  return key === null ? null : macOf(key.secret, parties, side).toString("hex");
}

/** Whether the dialer names a key that is accepted here; without it no proof of either side could stand. */
export function knowsKey(keyring: Keyring | null, { kid }: PeerIdentity, nowMs: number): boolean {
  return keyring === null ? kid === null : acceptedKey(keyring, kid, nowMs) !== null;
}

/** Whether the other side's proof stands. Without a keyring here, none is asked and none is taken. */
export function proofHolds(
  keyring: Keyring | null,
  parties: Parties,
  side: Side,
  mac: string | null,
  nowMs: number,
): boolean {
  if (keyring === null) return mac === null && parties[side].kid === null;
  const key = keyOf(keyring, parties, side, nowMs);
  if (key === null || mac === null) return false;
  const given = Buffer.from(mac, "hex");
  const expected = macOf(key.secret, parties, side);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** An agent's own key stands on links that this agent dialled, on both sides, and nowhere else. */
function keyOf(keyring: Keyring, { dialer, acceptor }: Parties, side: Side, nowMs: number): MeshKey | null {
  const { kid } = side === "dialer" ? dialer : acceptor;
  const nodeId = nodeOfKid(kid);
  if (nodeId !== null && !(dialer.role === "agent" && dialer.nodeId === nodeId)) return null;
  return acceptedKey(keyring, kid, nowMs);
}

function macOf(secret: Uint8Array, { dialer, acceptor }: Parties, side: Side): Buffer {
  const text = JSON.stringify(["ringrift-mesh", side, fieldsOf(dialer), fieldsOf(acceptor)]);
  return createHmac("sha256", secret).update(text).digest();
}

// A list, since the order of an object's keys is the sender's choice.
function fieldsOf(peer: PeerIdentity): readonly unknown[] {
  return [
    peer.version,
    peer.oldestVersion,
    peer.clusterId,
    peer.role,
    peer.nodeId,
    peer.instance,
    peer.voter,
    peer.votersDigest,
    peer.boot,
    peer.programVersion,
    peer.timing.heartbeatMs,
    ...electionFields(peer.timing),
    peer.nonce,
    peer.kid,
  ];
}

function electionFields({ election }: PeerTiming): readonly unknown[] {
  if (election === null) return [null];
  return [
    election.heartbeatMs,
    election.electionTimeoutMinMs,
    election.electionTimeoutMaxMs,
    election.leaseMs,
  ];
}

/** The newest version of frames that both speak; null when there is none. */
function commonVersion(
  { versions }: Pick<LocalPeer, "versions">,
  peer: Pick<PeerIdentity, "version" | "oldestVersion">,
): number | null {
  const newest = Math.min(versions.newest, peer.version);
  return newest >= Math.max(versions.oldest, peer.oldestVersion) ? newest : null;
}

/** What is wrong with who the peer says it is, before any proof; null when nothing is. */
export function claimProblem(local: LocalPeer, peer: PeerIdentity): RefusalReason | null {
  if (commonVersion(local, peer) === null) return "version";
  if (peer.clusterId !== local.clusterId) return "cluster";
  if (peer.nodeId === local.nodeId) return "duplicate_node";
  if (peer.role === "agent") return peer.voter === null && local.role === "server" ? null : "role";
  if (peer.voter === null) return "voter_unknown";
  // An agent knows servers by whatever address reaches them; only voters must agree on who is who.
  if (local.role === "agent") return null;
  if (peer.voter === local.voter || !local.voters.includes(peer.voter)) return "voter_unknown";
  if (peer.votersDigest !== votersDigest(local.voters)) return "voters_differ";
  if (!electionsFit(local.timing.election, peer.timing.election)) return "timing";
  return null;
}

/**
 * What is wrong with the certificate of who the peer says it is; null without mutual TLS.
 *
 * @param voter whom the peer means to speak for; null for an agent
 */
export function certificateProblem(
  local: LocalPeer,
  peer: PeerIdentity,
  certified: CertifiedPeer | null,
  voter: string | null,
): RefusalReason | null {
  if (local.trust.tls === null) return null;
  const stands =
    certified !== null &&
    certified.clusterId === local.clusterId &&
    certified.role === peer.role &&
    certified.nodeId === peer.nodeId &&
    (voter === null || certified.speaksFor(voter));
  return stands ? null : "certificate";
}
