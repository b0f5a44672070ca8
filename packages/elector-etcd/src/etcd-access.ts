import { readFileSync } from "node:fs";
import { type ClientTls, type ClientTlsFiles, loadClientTls } from "@ringrift/http-client";
import { errorText } from "@ringrift/protocol";
import { EtcdError } from "./elector-error.ts";

/** How this server proves itself to etcd, and whom it takes for etcd. */
export interface EtcdAccess {
  readonly tls: ClientTls;
  /** Null where etcd has no users. */
  readonly user: { readonly name: string; readonly password: string } | null;
}

export interface EtcdAccessFiles {
  readonly tls: ClientTlsFiles;
  readonly username: string | null;
  readonly passwordFile: string | null;
}

export const openAccess: EtcdAccess = { tls: { ca: null, own: null }, user: null };

/** Reads the files. @throws EtcdError `ETCD_PASSWORD_FILE`, HttpClientError `BAD_TLS`, each naming the file */
export function loadEtcdAccess({ tls, username, passwordFile }: EtcdAccessFiles): EtcdAccess {
  const user =
    username === null || passwordFile === null
      ? null
      : { name: username, password: readPassword(passwordFile) };
  return { tls: loadClientTls(tls), user };
}

function readPassword(file: string): string {
  let password: string;
  try {
    password = readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (cause) {
    throw bad(`The file ${file} cannot be read: ${errorText(cause)}.`, cause);
  }
  if (password === "") throw bad(`The file ${file} holds no password.`);
  return password;
}

function bad(message: string, cause?: unknown): EtcdError {
  return new EtcdError(message, {
    code: "ETCD_PASSWORD_FILE",
    nextStep: "Put the password of etcd's user alone into that file and let this program read it.",
    ...(cause === undefined ? {} : { cause }),
  });
}
