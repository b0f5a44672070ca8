import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { frameVersion, type NodeRole, type PeerIdentity } from "@ringrift/protocol";
import { acceptedKey, type Keyring, signingKey } from "./keyring.ts";

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
  readonly keyring: Keyring | null;
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
  | "wrong_server"
  | "duplicate_node"
  | "key"
  | "bad_frame"
  | "frame_too_large"
  | "handshake_timeout"
  | "too_many"
  | "old_incarnation"
  | "not_running"
  | "refused_by_peer";

/** This node's identity for one new link: a fresh nonce, and the key that signs now. */
export function identityFor(local: LocalPeer, nowMs: number): PeerIdentity {
  return {
    version: frameVersion,
    clusterId: local.clusterId,
    role: local.role,
    nodeId: local.nodeId,
    instance: local.instance,
    voter: local.voter,
    votersDigest: votersDigest(local.voters),
    boot: local.boot,
    programVersion: local.programVersion,
    nonce: randomBytes(32).toString("hex"),
    kid: local.keyring === null ? null : (signingKey(local.keyring, nowMs)?.kid ?? null),
  };
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
  const key = acceptedKey(keyring, parties[side].kid, nowMs);
  return key === null ? null : macOf(key.secret, parties, side).toString("hex");
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
  const key = acceptedKey(keyring, parties[side].kid, nowMs);
  if (key === null || mac === null) return false;
  const given = Buffer.from(mac, "hex");
  const expected = macOf(key.secret, parties, side);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function macOf(secret: Uint8Array, { dialer, acceptor }: Parties, side: Side): Buffer {
  const text = JSON.stringify(["ringrift-mesh", side, fieldsOf(dialer), fieldsOf(acceptor)]);
  return createHmac("sha256", secret).update(text).digest();
}

// A list, since the order of an object's keys is the sender's choice.
function fieldsOf(peer: PeerIdentity): readonly unknown[] {
  return [
    peer.version,
    peer.clusterId,
    peer.role,
    peer.nodeId,
    peer.instance,
    peer.voter,
    peer.votersDigest,
    peer.boot,
    peer.programVersion,
    peer.nonce,
    peer.kid,
  ];
}

/** What is wrong with who the peer says it is, before any proof; null when nothing is. */
export function claimProblem(local: LocalPeer, peer: PeerIdentity): RefusalReason | null {
  if (peer.version !== frameVersion) return "version";
  if (peer.clusterId !== local.clusterId) return "cluster";
  if (peer.nodeId === local.nodeId) return "duplicate_node";
  if (peer.role === "agent") return peer.voter === null && local.role === "server" ? null : "role";
  if (peer.voter === null) return "voter_unknown";
  // An agent knows servers by whatever address reaches them; only voters must agree on who is who.
  if (local.role === "agent") return null;
  if (peer.voter === local.voter || !local.voters.includes(peer.voter)) return "voter_unknown";
  if (peer.votersDigest !== votersDigest(local.voters)) return "voters_differ";
  return null;
}
