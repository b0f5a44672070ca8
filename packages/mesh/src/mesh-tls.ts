import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { errorText } from "@ringrift/protocol";
import { type CertifiedName, certifiedName, hostOfVoter } from "./certificate.ts";
import { MeshError } from "./mesh-error.ts";

/** A node's certificate with its key, and the authority that signs those of its peers; all PEM. */
export interface MeshTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /** Milliseconds since 1970. */
  readonly notAfterMs: number;
  readonly name: CertifiedName;
}

export interface MeshTlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

/** What a peer's verified certificate proves. */
export interface CertifiedPeer extends CertifiedName {
  /** Whether its holder may speak for a voter: by its node id, or by a host name or address in the certificate. */
  speaksFor(voter: string): boolean;
}

/** Reads the three files. @throws MeshError `BAD_TLS` naming the file and what is wrong with it */
export function loadMeshTls({ certFile, keyFile, caFile }: MeshTlsFiles): MeshTls {
  const [cert, key, ca] = [certFile, keyFile, caFile].map(read);
  if (cert === undefined || key === undefined || ca === undefined) throw bad("A file is missing.");
  const leaf = parse(cert, certFile);
  parse(ca, caFile);
  try {
    createSecureContext({ cert, key, ca });
  } catch (cause) {
    throw bad(`The key ${keyFile} does not fit the certificate ${certFile}: ${errorText(cause)}.`, cause);
  }
  const name = certifiedName(leaf.subjectAltName);
  if (name === null) throw bad(`The certificate ${certFile} does not name exactly one node.`);
  return { cert, key, ca, notAfterMs: Date.parse(leaf.validTo), name };
}

/** What the peer at the other end of a connection has proven; null without TLS or without a certificate that stands. */
export function certifiedPeer(socket: unknown): CertifiedPeer | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
  const certificate = socket.getPeerX509Certificate();
  const name = certifiedName(certificate?.subjectAltName);
  if (certificate === undefined || name === null) return null;
  return {
    ...name,
    speaksFor: (voter) => {
      const host = hostOfVoter(voter);
      if (voter === name.nodeId || host === null) return voter === name.nodeId;
      const covered = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
      return covered !== undefined;
    },
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw bad(`The file ${file} cannot be read: ${errorText(cause)}.`, cause);
  }
}

function parse(pem: string, file: string): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (cause) {
    throw bad(`The file ${file} holds no certificate: ${errorText(cause)}.`, cause);
  }
  if (Date.parse(certificate.validTo) < Date.now())
    throw bad(`The certificate ${file} has expired on ${certificate.validTo}.`);
  return certificate;
}

function bad(message: string, cause?: unknown): MeshError {
  return new MeshError(message, {
    code: "BAD_TLS",
    nextStep:
      "Use PEM files: a certificate with the name URI:ringrift://CLUSTER/server/NODE or …/agent/NODE, its key, and the authority's certificate.",
    ...(cause === undefined ? {} : { cause }),
  });
}
