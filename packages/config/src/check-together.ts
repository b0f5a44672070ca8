import type { ConfigEntry } from "./config.ts";
import type { ConfigProblem } from "./config-error.ts";
import { isLoopback } from "./parse-value.ts";

/** Pairs of settings where the first must be below the second, or may equal it. */
const ordered: readonly { readonly low: string; readonly high: string; readonly strict: boolean }[] = [
  { low: "errorRateWarning", high: "errorRateThreshold", strict: false },
  { low: "scoreUnhealthy", high: "scoreDegraded", strict: true },
  { low: "scoreDegraded", high: "scoreHealthy", strict: true },
  { low: "pauseScore", high: "resumeScore", strict: false },
  { low: "nodeUnhealthyFailures", high: "nodeEvictedFailures", strict: true },
];

/** What is wrong with values that are each acceptable alone. Entries that have a problem already must be left out. */
export function checkTogether(entries: readonly ConfigEntry[]): ConfigProblem[] {
  const byKey = new Map(entries.map((entry) => [entry.setting.key, entry]));
  const problems: ConfigProblem[] = [];
  for (const { low, high, strict } of ordered) {
    const lower = byKey.get(low);
    const higher = byKey.get(high);
    if (typeof lower?.value !== "number" || typeof higher?.value !== "number") continue;
    if (strict ? lower.value < higher.value : lower.value <= higher.value) continue;
    const relation = strict ? "must be below" : "must not be above";
    problems.push(problemOf(lower, `${relation} ${high}, which is ${higher.value} (from ${higher.source})`));
  }
  const host = byKey.get("healthServerHost");
  const keyFile = byKey.get("meshKeyFile");
  const tls = tlsEntries.flatMap((key) => byKey.get(key) ?? []);
  const open = keyFile?.value === null && tls.every(({ value }) => value === null);
  if (typeof host?.value === "string" && !isLoopback(host.value) && open) {
    const problem =
      "is not a loopback address, so other hosts could join the mesh: set RINGRIFT_MESH_KEY_FILE, or listen on 127.0.0.1";
    problems.push(problemOf(host, problem));
  }
  problems.push(...tlsProblems(tls, byKey.get("servers")));
  const elector = byKey.get("elector");
  const servers = byKey.get("servers")?.value;
  if (elector?.value === "standalone" && Array.isArray(servers) && servers.length > 1) {
    const problem = `cannot be with ${servers.length} servers, since each would lead: use mesh, or name one server`;
    problems.push(problemOf(elector, problem));
  }
  const endpoints = byKey.get("etcdEndpoints");
  if (elector?.value === "etcd" && endpoints?.value === null)
    problems.push(problemOf(elector, "needs RINGRIFT_ETCD_ENDPOINTS, the addresses of etcd"));
  if (typeof elector?.value === "string" && elector.value !== "etcd" && Array.isArray(endpoints?.value)) {
    const problem = `is given, but the elector is ${elector.value} (from ${elector.source}): set it to etcd, or leave this out`;
    problems.push(problemOf(endpoints, problem));
  }
  return problems;
}

const tlsEntries = ["meshTlsCertFile", "meshTlsKeyFile", "meshTlsCaFile"];

/** Mutual TLS takes all three files, and servers that are dialled with it. */
function tlsProblems(tls: readonly ConfigEntry[], servers: ConfigEntry | undefined): ConfigProblem[] {
  const given = tls.filter(({ value }) => value !== null);
  const [first] = given;
  if (first === undefined) return [];
  const missing = tls.filter(({ value }) => value === null).map(({ setting }) => setting.env);
  if (missing.length > 0)
    return [{ ...problemOf(first, `needs ${missing.join(" and ")} as well`), value: null }];
  const plain = Array.isArray(servers?.value)
    ? servers.value.find((url) => /(^|=)ws:/i.test(url))
    : undefined;
  if (servers === undefined || plain === undefined) return [];
  return [{ ...problemOf(servers, "must be a wss:// address, since mutual TLS is on"), value: plain }];
}

function problemOf(entry: ConfigEntry, problem: string): ConfigProblem {
  return { key: entry.setting.key, source: entry.source, value: String(entry.value), problem };
}
