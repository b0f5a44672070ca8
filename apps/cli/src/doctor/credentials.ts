import { isLoopback, type NodeAgentConfig } from "@ringrift/config";
import {
  checkTrust,
  judgeCredentials,
  loadTrust,
  proofOf,
  type ServerAddress,
  type Trust,
} from "@ringrift/mesh";
import { type Finding, failure, finding } from "./finding.ts";

const check = "key or certificate";

/** What the agent would prove itself with; null where it cannot be read, or is another node's. */
export function checkCredentials(
  config: NodeAgentConfig,
  servers: readonly ServerAddress[],
  nowSeconds: number,
): { readonly trust: Trust | null; readonly finding: Finding } {
  let trust: Trust;
  try {
    trust = loadTrust({ keyFile: config.meshKeyFile, tls: config.meshTls });
    checkTrust({ clusterId: config.clusterId, role: "agent", nodeId: config.nodeId }, trust);
  } catch (error) {
    return { trust: null, finding: failure(check, error) };
  }
  const proof = proofOf(trust, nowSeconds * 1000);
  const verdict = judgeCredentials(proof, config.thresholds, nowSeconds);
  if (verdict !== null) {
    const who = [
      ...(proof.kid === null ? [] : [`key ${proof.kid}`]),
      ...(trust.tls === null ? [] : [`certificate of ${trust.tls.name.nodeId}`]),
    ].join(" and ");
    const state = { healthy: "ok", degraded: "warning" }[String(verdict.status)] ?? "failed";
    const renew = "Put renewed files in their place.";
    return {
      trust,
      finding: finding(
        check,
        state as Finding["state"],
        `${who}: ${verdict.message}`,
        state === "ok" ? undefined : renew,
      ),
    };
  }
  const far = servers.find(({ url }) => !isLoopback(new URL(url).hostname.replace(/^\[|\]$/g, "")));
  if (far === undefined)
    return { trust, finding: finding(check, "ok", "none, and none is needed for servers on this host") };
  const text = `there is none, and ${far.url} is on another host`;
  const nextStep = "Copy the servers' keyring here and name it with RINGRIFT_MESH_KEY_FILE.";
  return { trust, finding: finding(check, "failed", text, nextStep) };
}
