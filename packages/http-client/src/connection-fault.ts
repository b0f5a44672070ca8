// core: pure
import { errorText } from "@ringrift/protocol";

/** Why nobody answered; what to do depends on it. */
export type ConnectionFault =
  | "refused"
  | "timeout"
  | "unknown_host"
  | "untrusted"
  | "expired"
  | "not_yet_valid"
  | "wrong_name"
  | "certificate_refused"
  | "no_tls"
  | "hung_up"
  | "other";

interface Described {
  readonly fault: ConnectionFault;
  /** In the words of a person, to stand after "no answer from there: ". */
  readonly reason: string;
}

const byCode: readonly (readonly [RegExp, ConnectionFault, string])[] = [
  [/^ECONNREFUSED$/, "refused", "connection refused"],
  [/^(?:ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/, "timeout", "the host does not answer"],
  [/^(?:ENOTFOUND|EAI_AGAIN)$/, "unknown_host", "its host name is not known"],
  [
    /SELF_SIGNED_CERT|^UNABLE_TO_(?:VERIFY_LEAF|GET_ISSUER)|^CERT_UNTRUSTED$|^INVALID_CA$/,
    "untrusted",
    "its certificate is self-signed or of an authority that is not trusted here",
  ],
  [/^CERT_HAS_EXPIRED$/, "expired", "its certificate, or that of its authority, has expired"],
  [/^CERT_NOT_YET_VALID$/, "not_yet_valid", "its certificate is not valid yet"],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, "wrong_name", "its certificate is of another host name"],
  [
    /^ERR_SSL_.*ALERT_(?:CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|UNKNOWN_ISSUER|NO_CERTIFICATE|ACCESS_DENIED|HANDSHAKE_FAILURE)/,
    "certificate_refused",
    "it asks for a certificate, and takes none or not the one that was shown",
  ],
  [
    /^(?:ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO)$/,
    "no_tls",
    "it does not speak TLS",
  ],
  [/^(?:ECONNRESET|EPIPE|HPE_)/, "hung_up", "it ended the connection without an answer"],
];

/** What a failed question says of the other side. */
export function connectionFault(error: unknown): Described {
  if (error instanceof Error && error.name === "TimeoutError")
    return { fault: "timeout", reason: "no answer in time" };
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = byCode.find(([pattern]) => pattern.test(code));
  if (known === undefined) return { fault: "other", reason: errorText(error) };
  const [, fault, reason] = known;
  return { fault, reason };
}
