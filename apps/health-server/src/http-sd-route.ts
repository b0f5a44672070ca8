import { isIPv6 } from "node:net";
import { type EndpointsApp, problem } from "@ringrift/endpoints";
import { isLoopbackAddress } from "@ringrift/mesh";
import type { NodeHealth } from "@ringrift/orchestrator";
import type { Overview } from "@ringrift/overview";

/** Agents that lost every server are back within this; before, a list would be of those that were quick. */
const settledSeconds = 60;

/** What Prometheus takes as one group of targets. */
interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** The agents as Prometheus discovers targets over HTTP. Where it gets no list it goes on with the last one; an empty one it would believe. */
export function addHttpSdRoute(
  app: EndpointsApp,
  { overview, nowSeconds }: { readonly overview: Overview; readonly nowSeconds: () => number },
): void {
  app.get("/v1/http_sd", (context) => {
    const why = whyUnknown(overview, nowSeconds());
    if (why !== null) {
      context.header("retry-after", "10");
      return problem(context, {
        status: 503,
        title: "Members not known yet",
        code: "MEMBERS_UNKNOWN",
        detail: `Which agents there are is not known: ${why}.`,
      });
    }
    const isHere = isLoopbackAddress(context.env.incoming.socket.remoteAddress);
    const nodes = overview.orchestrator.getNodes();
    return context.json(nodes.flatMap((node) => targetsOf(node, isHere)));
  });
}

function whyUnknown({ cluster, teller }: Overview, nowSeconds: number): string | null {
  const { leaderId, quorum } = cluster();
  if (leaderId === null || !quorum.held) return "the servers have no leader now";
  const upSeconds = Math.round(nowSeconds - teller.startedAtSeconds);
  return upSeconds < settledSeconds
    ? `this server started ${upSeconds} s ago, and agents take up to ${settledSeconds} s to come back to it`
    : null;
}

/** An address of loopback is another host for whoever asks from elsewhere. */
function targetsOf(
  { id, role, retired, endpoint, provider, version }: NodeHealth,
  isHere: boolean,
): TargetGroup[] {
  if (role === "server" || retired !== null || endpoint === null) return [];
  const { host, port } = endpoint;
  if (isLoopbackAddress(host) && !isHere) return [];
  return [
    {
      targets: [`${isIPv6(host) ? `[${host}]` : host}:${port}`],
      labels: {
        __meta_ringrift_node: id,
        __meta_ringrift_version: version,
        ...(provider === null ? {} : { __meta_ringrift_provider: provider }),
      },
    },
  ];
}
