// core: pure
import type { NodeRole } from "@ringrift/protocol";

/** Who a certificate says its holder is. */
export interface CertifiedName {
  readonly clusterId: string;
  readonly role: NodeRole;
  readonly nodeId: string;
}

const namePattern = /^URI:ringrift:\/\/([A-Za-z0-9._-]{1,100})\/(server|agent)\/([A-Za-z0-9._-]{1,100})$/;

/**
 * The node that a certificate names: its one subject alternative name `URI:ringrift://CLUSTER/ROLE/NODE`. Null when there is
 * none or more than one, since a certificate of several nodes proves none.
 *
 * @param subjectAltName the list as Node writes it; names with special characters are quoted there and match nothing here
 */
export function certifiedName(subjectAltName: string | undefined): CertifiedName | null {
  const names = (subjectAltName ?? "").split(", ").flatMap((entry) => {
    const [, clusterId = "", role, nodeId = ""] = namePattern.exec(entry) ?? [];
    return role === "server" || role === "agent" ? [{ clusterId, role, nodeId } as const] : [];
  });
  const [only, second] = names;
  return only === undefined || second !== undefined ? null : only;
}

/** The host of a voter that is called by its address, `host:port` or `[v6]:port`; null for one that has a name. */
export function hostOfVoter(voter: string): string | null {
  return /^\[?([^\]]+?)\]?:\d+$/.exec(voter)?.[1] ?? null;
}
