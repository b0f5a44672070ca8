import { loadConfig } from "@ringrift/config";
import { HttpClient, loadClientTls } from "@ringrift/http-client";

const variables = [
  "RINGRIFT_CONFIG",
  "RINGRIFT_MESH_TLS_CA_FILE",
  "RINGRIFT_MESH_TLS_CERT_FILE",
  "RINGRIFT_MESH_TLS_KEY_FILE",
];

/**
 * Asks with the authority and the certificate that flags, variables and file name. Whoever asks may not be able to read
 * what other settings of a server's environment name, so they are left alone.
 *
 * @throws ConfigError on a bad setting; HttpClientError `BAD_TLS` on a file that is no certificate
 */
export function httpClient(flags: Readonly<Record<string, string | undefined>>): HttpClient {
  const env = Object.fromEntries(variables.map((name) => [name, process.env[name]]));
  const { tlsFiles } = loadConfig("cli", { flags, env });
  return new HttpClient(loadClientTls(tlsFiles));
}
