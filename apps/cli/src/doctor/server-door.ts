import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import { connectionFault } from "@ringrift/http-client";
import { type KnockAnswer, type KnockOptions, knock, type ServerAddress } from "@ringrift/mesh";
import { type Finding, finding } from "./finding.ts";
import { refusalWords } from "./refusal-words.ts";
import type { ServerPages } from "./server-http.ts";

/** Who asks, and how long it waits. */
export interface Asker {
  /** Null where key or certificate cannot be read. */
  readonly agent: KnockOptions | null;
  readonly timeoutMs: number;
}

export interface DoorFinding {
  readonly finding: Finding;
  /** Node id of a server that would let this agent in. */
  readonly serverId: string | null;
}

/** From the server's name to the word that would let this agent in; the first step that fails is told. */
export async function tryDoor(
  server: ServerAddress,
  { agent, timeoutMs }: Asker,
  pages: ServerPages,
): Promise<DoorFinding> {
  const check = server.url;
  const no = (found: Finding): DoorFinding => ({ finding: found, serverId: null });
  const { hostname, host } = new URL(server.url);
  try {
    await within(timeoutMs, resolved(hostname));
  } catch (error) {
    const { reason } = connectionFault(error);
    const step = "Correct the name, or look at /etc/hosts and at the host's DNS server.";
    return no(finding(check, "failed", `${hostname}: ${reason}`, step));
  }
  try {
    await connected(server.url, timeoutMs);
  } catch (error) {
    const { fault, reason } = connectionFault(error);
    const step =
      fault === "refused"
        ? "Start the health-server there, or correct RINGRIFT_SERVERS."
        : "Look whether that host is up, and for firewalls between: the agent dials out to this port.";
    return no(finding(check, "failed", `${host}: ${reason}`, step));
  }
  if (agent === null)
    return no(
      finding(check, "unknown", "takes connections; not asked further without what this agent would prove"),
    );
  const start = performance.now();
  const answer = await knock(server, agent);
  if (answer.kind !== "welcome") return no(await refused(check, answer, agent, pages));
  const took = `${Math.round(performance.now() - start)} ms`;
  const { nodeId, version } = answer;
  const text = `${nodeId} would let this agent in (${took})`;
  return {
    finding:
      version === agent.version
        ? finding(check, "ok", text)
        : finding(
            check,
            "warning",
            `${text}, but runs ${version} and this host has ${agent.version}`,
            "Use programs of one version on all hosts.",
          ),
    serverId: nodeId,
  };
}

async function refused(
  check: string,
  answer: Exclude<KnockAnswer, { kind: "welcome" }>,
  { nodeId }: KnockOptions,
  pages: ServerPages,
): Promise<Finding> {
  switch (answer.kind) {
    case "refused": {
      const told = answer.reason === "refused_by_peer" ? await pages.refusalOf(nodeId) : null;
      const { text, nextStep } = refusalWords(told ?? answer.reason);
      const cause = answer.error === null ? "" : `: ${connectionFault(answer.error).reason}`;
      return finding(check, "failed", `the server ${text}${cause}`, nextStep);
    }
    case "no_upgrade":
      if (answer.status === 503)
        return finding(check, "warning", "the server has no room for another handshake now", "Ask again.");
      if (answer.status === 429) {
        const { text, nextStep } = refusalWords("address_blocked");
        return finding(check, "failed", `the server ${text}`, nextStep);
      }
      return finding(
        check,
        "failed",
        `what answers there takes no mesh link (HTTP ${answer.status})`,
        "Check that the address is that of a health-server, with /mesh at its end.",
      );
    case "unreachable": {
      const reason =
        answer.error === null
          ? "it ended the connection without a word"
          : connectionFault(answer.error).reason;
      const step = check.startsWith("ws:")
        ? "A server with mutual TLS is dialled at wss:// and wants a certificate; see docs/mutual-tls.md."
        : "Check that the server has mutual TLS; one without is dialled at ws://.";
      return finding(check, "failed", reason, step);
    }
  }
}

async function resolved(hostname: string): Promise<void> {
  if (isIP(hostname.replace(/^\[|\]$/g, "")) === 0) await lookup(hostname);
}

function connected(url: string, timeoutMs: number): Promise<void> {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port) || (protocol === "wss:" ? 443 : 80), host);
    socket.setTimeout(timeoutMs, () => socket.destroy(new DOMException("no answer", "TimeoutError")));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}

/** The name service answers when it likes. */
async function within<Value>(timeoutMs: number, answer: Promise<Value>): Promise<Value> {
  const giveUp = AbortSignal.timeout(timeoutMs);
  const tooLate = new Promise<never>((_resolve, reject) => {
    giveUp.addEventListener("abort", () => reject(giveUp.reason), { once: true });
  });
  return await Promise.race([answer, tooLate]);
}
