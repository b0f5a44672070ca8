import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { errorText } from "@ringrift/protocol";
import { HttpClientError } from "./http-client-error.ts";

/** Whom to trust and what to show; all PEM, null where the system's authorities do and where nothing is shown. */
export interface ClientTls {
  readonly ca: string | null;
  readonly own: { readonly cert: string; readonly key: string } | null;
}

export interface ClientTlsFiles {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

/** Reads the files. @throws HttpClientError `BAD_TLS` naming the file and what is wrong with it */
export function loadClientTls({ caFile, certFile, keyFile }: ClientTlsFiles): ClientTls {
  const ca = caFile === null ? null : readCertificate(caFile);
  if (certFile === null || keyFile === null) {
    const alone = certFile ?? keyFile;
    if (alone !== null)
      throw bad(`The file ${alone} is given without its ${certFile === null ? "certificate" : "key"}.`);
    return { ca, own: null };
  }
  const own = { cert: readCertificate(certFile), key: read(keyFile) };
  try {
    createSecureContext(own);
  } catch (cause) {
    throw bad(`The key ${keyFile} does not fit the certificate ${certFile}: ${errorText(cause)}.`, cause);
  }
  return { ca, own };
}

function readCertificate(file: string): string {
  const pem = read(file);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (cause) {
    throw bad(`The file ${file} holds no certificate: ${errorText(cause)}.`, cause);
  }
  if (Date.parse(certificate.validTo) < Date.now())
    throw bad(`The certificate ${file} has expired on ${certificate.validTo}.`);
  return pem;
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw bad(`The file ${file} cannot be read: ${errorText(cause)}.`, cause);
  }
}

function bad(message: string, cause?: unknown): HttpClientError {
  return new HttpClientError(message, {
    code: "BAD_TLS",
    nextStep:
      "Use PEM files: the authority's certificate, and a certificate that is still valid with its key.",
    ...(cause === undefined ? {} : { cause }),
  });
}
