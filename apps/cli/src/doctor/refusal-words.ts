// core: pure
import type { RefusalReason } from "@ringrift/mesh";

interface Words {
  readonly text: string;
  readonly nextStep: string;
}

const protocol: Words = {
  text: "does not speak the mesh's protocol",
  nextStep: "Check that the address is that of a health-server.",
};
const serversOnly: Words = {
  text: "takes this agent for a server",
  nextStep: "Check that the address is that of a health-server, and the versions of both.",
};

/** Why an agent is not let in, whoever of the two says so. */
const words: Partial<Readonly<Record<RefusalReason, Words>>> = {
  cluster: {
    text: "is of another cluster than this agent",
    nextStep: "Set RINGRIFT_CLUSTER_ID to the name that the servers have (`config print` there shows it).",
  },
  key: {
    text: "does not hold the key that this agent signs with, or holds another one of that name",
    nextStep: "Copy the server's keyring here again, and look whether the key has expired at one of the two.",
  },
  certificate: {
    text: "and this agent do not trust one another's certificate",
    nextStep:
      "Certificates name URI:ringrift://CLUSTER/agent/NODE here and …/server/NODE there, by one authority.",
  },
  version: {
    text: "speaks no version of the protocol that this agent speaks",
    nextStep: "Use programs of one version on all hosts.",
  },
  duplicate_node: {
    text: "has the node id of this agent itself",
    nextStep: "Give one of them another name with RINGRIFT_NODE_ID.",
  },
  not_loopback: {
    text: "is on another host, and this agent has neither key nor certificate",
    nextStep: "Copy the servers' keyring here and name it with RINGRIFT_MESH_KEY_FILE.",
  },
  handshake_timeout: {
    text: "took the connection and then said nothing",
    nextStep: "Look whether the server is overloaded, and that the address is that of a health-server.",
  },
  address_blocked: {
    text: "turns this address away after many failed attempts",
    nextStep: "Stop what fails there, and ask again in a few seconds.",
  },
  refused_by_peer: {
    text: "refuses this agent, and does not say why",
    nextStep: "Its log does (`a peer was refused`), and `ringrift leader --server` of it.",
  },
  role: serversOnly,
  voter_unknown: serversOnly,
  bad_frame: protocol,
  frame_too_large: protocol,
  fragments: protocol,
};

/** A sentence about a server, without its subject, and what to do. */
export function refusalWords(reason: RefusalReason): Words {
  return words[reason] ?? { text: `does not let this agent in (${reason})`, nextStep: "Its log says more." };
}
