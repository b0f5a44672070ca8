import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./cluster.ts";
import { type Program, startCommand, waitFor } from "./program.ts";

/** One member of a real etcd. */
export interface EtcdMember {
  readonly name: string;
  /** Of its clients' port. */
  readonly url: string;
  program: Program;
  start(): void;
  /** Who it is and whom it takes for etcd's leader, "0" for nobody; null when it does not answer. */
  status(): Promise<{ readonly self: string; readonly leader: string } | null>;
}

/** A real etcd of several processes on loopback. */
export interface EtcdCluster {
  readonly members: readonly EtcdMember[];
  /** The member that leads etcd itself. */
  leader(): Promise<EtcdMember>;
  /** The same, once all members are up and name it. */
  settled(): Promise<EtcdMember>;
  stop(): Promise<void>;
}

/** Files of an etcd that asks its clients for certificates of the authority; PEM. */
export interface EtcdTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Waits until etcd leads itself, unless it asks for certificates: then nobody here can ask it. */
export async function startEtcd(count: number, tls: EtcdTls | null = null): Promise<EtcdCluster> {
  const directory = mkdtempSync(join(tmpdir(), "ringrift-etcd-"));
  const peers: { name: string; peer: string; url: string }[] = [];
  for (let index = 1; index <= count; index += 1) {
    const [peer, client] = [await freePort(), await freePort()];
    peers.push({
      name: `m${index}`,
      peer: `http://127.0.0.1:${peer}`,
      url: `${tls === null ? "http" : "https"}://127.0.0.1:${client}`,
    });
  }
  const all = peers.map(({ name, peer }) => `${name}=${peer}`).join(",");
  const members = peers.map(({ name, peer, url }): EtcdMember => {
    const run = (): Program =>
      startCommand(
        "etcd",
        [
          ...["--name", name, "--data-dir", join(directory, name), "--log-level", "error"],
          ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
          ...["--listen-client-urls", url, "--advertise-client-urls", url],
          ...["--initial-cluster", all, "--initial-cluster-state", "new"],
          ...(tls === null
            ? []
            : [
                ...["--cert-file", tls.cert, "--key-file", tls.key],
                ...["--client-cert-auth", "--trusted-ca-file", tls.ca],
              ]),
        ],
        {},
      );
    const self: EtcdMember = {
      name,
      url,
      program: run(),
      start: () => {
        self.program = run();
      },
      status: () => maintenanceStatus(url).catch(() => null),
    };
    return self;
  });
  const cluster: EtcdCluster = {
    members,
    leader: () =>
      waitFor("etcd to have a leader", async () => {
        for (const member of members) {
          const status = await member.status();
          if (status !== null && status.leader !== "0" && status.leader === status.self) return member;
        }
        return null;
      }),
    settled: () => {
      let seen = "";
      return waitFor(
        "all of etcd to name one leader",
        async () => {
          const all = await Promise.all(members.map((member) => member.status()));
          seen = members
            .map(({ program }, index) => `${JSON.stringify(all[index])} ${program.output().slice(-400)}`)
            .join("\n");
          const leader = all[0]?.leader ?? "0";
          if (leader === "0" || all.some((status) => status?.leader !== leader)) return null;
          return members[all.findIndex((status) => status?.self === leader)] ?? null;
        },
        20_000,
        () => seen,
      );
    },
    stop: async () => {
      await Promise.all(members.map((member) => member.program.kill("SIGKILL")));
      rmSync(directory, { recursive: true, force: true });
    },
  };
  if (tls === null) await cluster.leader();
  return cluster;
}

async function maintenanceStatus(url: string): Promise<{ self: string; leader: string }> {
  const answer = await fetch(`${url}/v3/maintenance/status`, {
    method: "POST",
    body: "{}",
    signal: AbortSignal.timeout(500),
  });
  const { header, leader } = (await answer.json()) as { header: { member_id: string }; leader?: string };
  return { self: header.member_id, leader: leader ?? "0" };
}
