import type { LocalPeer } from "./auth.ts";
import { type Keyring, lastKey, loadKeyring, nodeOfKid, signingKey } from "./keyring.ts";
import type { MeshProof } from "./mesh.ts";
import { MeshError } from "./mesh-error.ts";
import { loadMeshTls, type MeshTls, type MeshTlsFiles } from "./mesh-tls.ts";

/** What makes strangers peers. */
export interface Trust {
  keyring: Keyring | null;
  tls: MeshTls | null;
}

/** Puts what this node trusts in place of what it trusted. @throws MeshError `BAD_MESH_OPTIONS` when it does not fit this node */
export function takeTrust(local: LocalPeer, { keyring, tls }: Trust): void {
  const { clusterId, role, nodeId } = local;
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
  local.trust.keyring = keyring;
  local.trust.tls = tls;
}

/** What this node proves itself with at a wall-clock instant. */
export function proofOf({ keyring, tls }: Trust, nowMs: number): MeshProof {
  const last = keyring === null ? null : lastKey(keyring);
  const key = (keyring === null ? null : signingKey(keyring, nowMs)) ?? last;
  const seconds = (ms: number | null | undefined): number | null => (ms == null ? null : ms / 1000);
  return {
    kid: key?.kid ?? null,
    keyExpiresAt: seconds(key?.notAfterMs),
    keyringExpiresAt: seconds(last?.notAfterMs),
    certificateExpiresAt: seconds(tls?.notAfterMs),
  };
}

/** Whether anyone may be spoken to who is not on this machine. */
export function isOpenToOthers({ keyring, tls }: Trust): boolean {
  return keyring !== null || tls !== null;
}

/** Reads keyring and certificate from files; null is none. @throws MeshError naming the file and what is wrong with it */
export function loadTrust(files: {
  readonly keyFile: string | null;
  readonly tls: MeshTlsFiles | null;
}): Trust {
  return {
    keyring: files.keyFile === null ? null : loadKeyring(files.keyFile),
    tls: files.tls === null ? null : loadMeshTls(files.tls),
  };
}
