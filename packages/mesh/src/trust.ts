import type { StatusProof } from "@ringrift/protocol";
import { type Keyring, lastKey, loadKeyring, signingKey } from "./keyring.ts";
import { loadMeshTls, type MeshTls, type MeshTlsFiles } from "./mesh-tls.ts";

/** What makes strangers peers. */
export interface Trust {
  keyring: Keyring | null;
  tls: MeshTls | null;
}

/** What this node proves itself with at a wall-clock instant. */
export function proofOf({ keyring, tls }: Trust, nowMs: number): StatusProof {
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
