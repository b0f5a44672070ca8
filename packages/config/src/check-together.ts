import type { ConfigEntry } from "./config.ts";
import type { ConfigProblem } from "./config-error.ts";
import { isLoopback } from "./parse-value.ts";
import type { ProgramId } from "./settings.ts";

/** Pairs of settings where the first must be below the second, or may equal it. */
const ordered: readonly { readonly low: string; readonly high: string; readonly strict: boolean }[] = [
  { low: "errorRateWarning", high: "errorRateThreshold", strict: false },
  { low: "scoreUnhealthy", high: "scoreDegraded", strict: true },
  { low: "scoreDegraded", high: "scoreHealthy", strict: true },
  { low: "pauseScore", high: "resumeScore", strict: false },
  { low: "credentialCritical", high: "credentialWarning", strict: false },
  { low: "nodeUnhealthyFailures", high: "nodeEvictedFailures", strict: true },
];

type Entries = ReadonlyMap<string, ConfigEntry>;

/** What is wrong with values that are each acceptable alone. Entries that have a problem already must be left out. */
export function checkTogether(program: ProgramId, entries: readonly ConfigEntry[]): ConfigProblem[] {
  const byKey = new Map(entries.map((entry) => [entry.setting.key, entry]));
  return [
    ...orderProblems(byKey),
    ...openHost(byKey),
    ...tlsProblems(program, byKey),
    ...electorProblems(byKey),
  ];
}

function orderProblems(byKey: Entries): ConfigProblem[] {
  return ordered.flatMap(({ low, high, strict }) => {
    const lower = byKey.get(low);
    const higher = byKey.get(high);
    if (typeof lower?.value !== "number" || typeof higher?.value !== "number") return [];
    if (strict ? lower.value < higher.value : lower.value <= higher.value) return [];
    const relation = strict ? "must be below" : "must not be above";
    return [problemOf(lower, `${relation} ${high}, which is ${higher.value} (from ${higher.source})`)];
  });
}

function openHost(byKey: Entries): ConfigProblem[] {
  const host = byKey.get("healthServerHost");
  const isOpen = ["meshKeyFile", ...tlsKeys].every((key) => byKey.get(key)?.value === null);
  if (typeof host?.value !== "string" || isLoopback(host.value) || !isOpen) return [];
  const problem =
    "is not a loopback address, so other hosts could join the mesh: set RINGRIFT_MESH_KEY_FILE, or listen on 127.0.0.1";
  return [problemOf(host, problem)];
}

function electorProblems(byKey: Entries): ConfigProblem[] {
  const elector = byKey.get("elector");
  if (typeof elector?.value !== "string") return [];
  const problems: ConfigProblem[] = [];
  const servers = byKey.get("servers")?.value;
  if (elector.value === "standalone" && Array.isArray(servers) && servers.length > 1) {
    const problem = `cannot be with ${servers.length} servers, since each would lead: use mesh, or name one server`;
    problems.push(problemOf(elector, problem));
  }
  const endpoints = byKey.get("etcdEndpoints");
  if (elector.value === "etcd") {
    if (endpoints?.value === null)
      problems.push(problemOf(elector, "needs RINGRIFT_ETCD_ENDPOINTS, the addresses of etcd"));
    return [...problems, ...etcdProblems(byKey)];
  }
  const problem = `is given, but the elector is ${elector.value} (from ${elector.source}): set it to etcd, or leave this out`;
  const given = ["etcdEndpoints", "etcdUsername", "etcdCaFile", "etcdCertFile"].flatMap(
    (key) => byKey.get(key) ?? [],
  );
  for (const entry of given) if (entry.value !== null) problems.push(problemOf(entry, problem));
  return problems;
}

/** What shows this server to etcd is given whole, and over connections that nobody else reads. */
function etcdProblems(byKey: Entries): ConfigProblem[] {
  const user = ["etcdUsername", "etcdPasswordFile"].flatMap((key) => byKey.get(key) ?? []);
  const certificate = ["etcdCertFile", "etcdKeyFile"].flatMap((key) => byKey.get(key) ?? []);
  const problems = [...givenTogether(user), ...givenTogether(certificate)];
  const endpoints = byKey.get("etcdEndpoints");
  const list = Array.isArray(endpoints?.value) ? endpoints.value : [];
  const plain = list.find((url) => url.startsWith("http:"));
  const open = list.find((url) => url.startsWith("http:") && !isLoopback(new URL(url).hostname));
  const ca = byKey.get("etcdCaFile");
  if (endpoints === undefined) return problems;
  if (open !== undefined && byKey.get("etcdPasswordFile")?.value != null) {
    const problem = "would carry the password of etcd's user for all to read: use https://";
    problems.push({ ...problemOf(endpoints, problem), value: open });
  }
  if (plain !== undefined && [ca, ...certificate].some((entry) => entry?.value != null)) {
    const problem =
      "is asked without TLS, though an authority or a certificate for etcd is given: use https://";
    problems.push({ ...problemOf(endpoints, problem), value: plain });
  }
  return problems;
}

const tlsKeys = ["meshTlsCertFile", "meshTlsKeyFile", "meshTlsCaFile"];

function tlsProblems(program: ProgramId, byKey: Entries): ConfigProblem[] {
  // The cli only asks: it may trust an authority without showing a certificate of its own.
  const keys = program === "cli" ? tlsKeys.slice(0, 2) : tlsKeys;
  const tls = keys.flatMap((key) => byKey.get(key) ?? []);
  return [...givenTogether(tls), ...(program === "cli" ? [] : plainServers(tls, byKey.get("servers")))];
}

/** These files are given together or not at all. */
function givenTogether(files: readonly ConfigEntry[]): ConfigProblem[] {
  const [first] = files.filter(({ value }) => value !== null);
  const missing = files.filter(({ value }) => value === null).map(({ setting }) => setting.env);
  if (first === undefined || missing.length === 0) return [];
  return [{ ...problemOf(first, `needs ${missing.join(" and ")} as well`), value: null }];
}

/** With mutual TLS on, servers are dialled with it. */
function plainServers(tls: readonly ConfigEntry[], servers: ConfigEntry | undefined): ConfigProblem[] {
  if (servers === undefined || tls.length === 0 || tls.some(({ value }) => value === null)) return [];
  const plain = Array.isArray(servers.value) ? servers.value.find((url) => /(^|=)ws:/i.test(url)) : undefined;
  if (plain === undefined) return [];
  return [{ ...problemOf(servers, "must be a wss:// address, since mutual TLS is on"), value: plain }];
}

function problemOf(entry: ConfigEntry, problem: string): ConfigProblem {
  return { key: entry.setting.key, source: entry.source, value: String(entry.value), problem };
}
