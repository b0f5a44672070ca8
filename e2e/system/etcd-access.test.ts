import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HttpClient, loadClientTls, readBody } from "@ringrift/http-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agreedLeader } from "../src/agreement.ts";
import { Authority } from "../src/certificates.ts";
import { type Cluster, startCluster } from "../src/cluster.ts";
import { type EtcdCluster, startEtcd } from "../src/etcd.ts";
import { startProgram, waitFor } from "../src/program.ts";

const directory = mkdtempSync(join(tmpdir(), "ringrift-etcd-access-"));
const authority = new Authority(directory);
authority.sign("etcd", "/CN=etcd");
authority.sign("client", "/O=ringrift");
authority.sign("named", "/CN=named");
const pem = (name: string): string => authority.file(name);
const passwordFile = join(directory, "password");
const password = (text: string): void => writeFileSync(passwordFile, `${text}\n`, { mode: 0o600 });
const http = new HttpClient(
  loadClientTls({ caFile: pem("authority"), certFile: pem("client"), keyFile: pem("client-key") }),
);

let etcd: EtcdCluster;
let cluster: Cluster;
let token: string | null = null;

/** Asks etcd as its administrator. */
async function admin(path: string, question: unknown): Promise<{ token?: string }> {
  const answer = await http.ask(new URL(path, etcd.members[0]?.url), {
    method: "POST",
    body: JSON.stringify(question),
    ...(token === null ? {} : { headers: { authorization: token } }),
    signal: AbortSignal.timeout(5_000),
  });
  const text = await readBody(answer, 64 * 1024);
  if (answer.status !== 200) throw new Error(`${path} was answered ${answer.status}: ${text}`);
  return JSON.parse(text) as { token?: string };
}

const readwrite = (prefix: string): unknown => ({
  name: "ringrift",
  perm: { permType: "READWRITE", key: btoa(prefix), range_end: btoa(`${prefix.slice(0, -1)}0`) },
});

beforeAll(async () => {
  etcd = await startEtcd(1, { ca: pem("authority"), cert: pem("etcd"), key: pem("etcd-key") });
  await waitFor("etcd to answer", () => admin("/v3/maintenance/status", {}).catch(() => null));
  await admin("/v3/auth/user/add", { name: "root", password: "root" });
  await admin("/v3/auth/role/add", { name: "root" });
  await admin("/v3/auth/user/grant", { user: "root", role: "root" });
  await admin("/v3/auth/user/add", { name: "ringrift", password: "right" });
  await admin("/v3/auth/role/add", { name: "ringrift" });
  await admin("/v3/auth/user/grant", { user: "ringrift", role: "ringrift" });
  await admin("/v3/auth/enable", {});
  token = (await admin("/v3/auth/authenticate", { name: "root", password: "root" })).token ?? null;
  password("wrong");
  cluster = await startCluster({
    servers: 2,
    agents: 0,
    serverEnv: {
      RINGRIFT_ELECTOR: "etcd",
      RINGRIFT_ETCD_ENDPOINTS: etcd.members.map(({ url }) => url).join(","),
      RINGRIFT_ETCD_USERNAME: "ringrift",
      RINGRIFT_ETCD_PASSWORD_FILE: passwordFile,
      RINGRIFT_ETCD_CA_FILE: pem("authority"),
      RINGRIFT_ETCD_CERT_FILE: pem("client"),
      RINGRIFT_ETCD_KEY_FILE: pem("client-key"),
    },
  });
}, 60_000);
afterAll(async () => {
  await cluster?.stop();
  await etcd?.stop();
  http.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Every server says so when asked whether it is ready, and has logged what to do. */
async function refused(reason: string, nextStep: string): Promise<void> {
  for (const { url, program } of cluster.servers) {
    let seen = "";
    await waitFor(
      `the reason ${reason}`,
      async () => {
        const answer = await fetch(`${url}/ready`);
        seen = await answer.text();
        return answer.status === 503 && seen.includes(reason) ? true : null;
      },
      20_000,
      () => seen,
    );
    expect(program.output()).toContain(nextStep);
    expect(program.output()).not.toMatch(/wrong|right/);
  }
}

// The steps build on one another.
describe("two servers and an etcd with users and certificates", { timeout: 60_000 }, () => {
  it("have no leader with a wrong password, and say so", async () => {
    await refused("does not take the user ringrift with this password", "RINGRIFT_ETCD_PASSWORD_FILE");
  });

  it("have none while the user lacks permission, once the password was put right by SIGHUP", async () => {
    password("right");
    for (const { program } of cluster.servers) program.process.kill("SIGHUP");
    await refused("does not let the user ringrift read and write", "etcdctl role grant-permission");
  });

  it("have one as soon as permission is granted", async () => {
    await admin("/v3/auth/role/grant", readwrite("/ringrift/ringrift/"));
    await agreedLeader(cluster.servers, cluster.servers);
  });

  it("keep one when etcd was started anew and knows their tokens no more, and when the leader is killed", async () => {
    const before = await agreedLeader(cluster.servers, cluster.servers);
    const [member] = etcd.members;
    await member?.program.kill("SIGKILL");
    member?.start();
    await agreedLeader(cluster.servers, cluster.servers);
    const leader = cluster.servers.find(({ id }) => id === before.id);
    await leader?.program.kill("SIGKILL");
    const others = cluster.servers.filter((server) => server !== leader);
    expect((await agreedLeader(others, others)).id).not.toBe(before.id);
  });

  it("say what to do without the authority, without a certificate or with one that names somebody, and show no password", async () => {
    const env = {
      RINGRIFT_ELECTOR: "etcd",
      RINGRIFT_ETCD_ENDPOINTS: etcd.members.map(({ url }) => url).join(","),
      RINGRIFT_ETCD_USERNAME: "ringrift",
      RINGRIFT_ETCD_PASSWORD_FILE: passwordFile,
      RINGRIFT_DATA_DIR: join(directory, "stranger"),
      RINGRIFT_HEALTH_SERVER_PORT: "0",
    };
    const bare = startProgram("health-server", [], env);
    const uncertified = startProgram("health-server", [], {
      ...env,
      RINGRIFT_ETCD_CA_FILE: pem("authority"),
      RINGRIFT_DATA_DIR: join(directory, "uncertified"),
    });
    const named = startProgram("health-server", [], {
      ...env,
      RINGRIFT_ETCD_CA_FILE: pem("authority"),
      RINGRIFT_ETCD_CERT_FILE: pem("named"),
      RINGRIFT_ETCD_KEY_FILE: pem("named-key"),
      RINGRIFT_DATA_DIR: join(directory, "named"),
    });
    const says = (program: typeof bare, text: string): Promise<true> =>
      waitFor(text, async () => (program.output().includes(text) ? true : null), 20_000, program.output);
    await says(bare, "RINGRIFT_ETCD_CA_FILE");
    await says(uncertified, "RINGRIFT_ETCD_CERT_FILE");
    await says(named, "has no CN");
    await Promise.all([bare, uncertified, named].map((program) => program.kill("SIGKILL")));
    const printed = startProgram("health-server", ["config", "print"], env);
    expect(await printed.exited).toBe(0);
    expect(printed.output()).toMatch(/etcdPasswordFile +\*\*\*\*/);
  });
});
