import { type Member, startCluster } from "@ringrift/e2e/cluster";
import { type EtcdCluster, type EtcdMember, startEtcd } from "@ringrift/e2e/etcd";
import { Observers } from "@ringrift/e2e/observers";
import { waitFor } from "@ringrift/e2e/program";
import { type Figure, median } from "./figure.ts";
import { anyMoment, Moment, runsPerFigure, sleep, versionOf } from "./timed.ts";

const faults = [
  { name: "leader_sigkill_failover_seconds", signal: "SIGKILL" },
  { name: "leader_sigstop_failover_seconds", signal: "SIGSTOP" },
  { name: "leader_sigterm_failover_seconds", signal: "SIGTERM" },
] as const;
type Signal = (typeof faults)[number]["signal"];

/** From a signal to the leader of three until a majority names one other leader. */
export async function run(): Promise<Figure[]> {
  const version = versionOf("etcd", "--version");
  return [...(await byVote(version)), ...(version === null ? [] : await byEtcd(version))];
}

/** Our leader chosen by etcd: its lease has to run out first, so etcd's own failover is no yardstick. */
async function byEtcd(version: string): Promise<Figure[]> {
  const note = `elector etcd ${version}, leases of 3 s`;
  console.error("  SIGKILL to our leader, chosen by etcd");
  const ours = await besideEtcd((_, env) => ownFailover("SIGKILL", env));
  console.error("  SIGKILL to etcd's leader, which chose ours");
  const theirs = await besideEtcd(etcdLeaderKilled);
  return [
    { name: "leader_sigkill_failover_by_etcd_seconds", unit: "s", value: median(ours), runs: ours, note },
    { name: "etcd_leader_sigkill_confirmed_seconds", unit: "s", value: median(theirs), runs: theirs, note },
  ];
}

/** A new etcd for each measurement: the end of a cluster of ours ends every program that was started beside it. */
async function besideEtcd(
  measure: (etcd: EtcdCluster, serverEnv: Readonly<Record<string, string>>) => Promise<number[]>,
): Promise<number[]> {
  const etcd = await startEtcd(3);
  try {
    const endpoints = etcd.members.map(({ url }) => url).join(",");
    return await measure(etcd, { RINGRIFT_ELECTOR: "etcd", RINGRIFT_ETCD_ENDPOINTS: endpoints });
  } finally {
    await etcd.stop();
  }
}

/**
 * From SIGKILL to the leader of etcd itself until one of our servers leads by a lease that was renewed after the kill: the same
 * one, confirmed by etcd's next leader, or another.
 */
async function etcdLeaderKilled(
  etcd: EtcdCluster,
  serverEnv: Readonly<Record<string, string>>,
): Promise<number[]> {
  const cluster = await startCluster({ servers: 3, agents: 0, serverEnv });
  try {
    const confirmed = (sinceMs: number): Promise<true> =>
      waitFor("a lease that etcd renewed", async () => {
        const answers = await Promise.all(cluster.servers.map((server) => server.status().catch(() => null)));
        const at = performance.now();
        const fresh = answers.some((status) => {
          const ageSeconds = status?.cluster.mesh?.leaseAgeSeconds ?? null;
          return ageSeconds !== null && at - ageSeconds * 1000 > sinceMs;
        });
        return fresh ? true : null;
      });
    const seconds: number[] = [];
    for (let run = 0; run < runsPerFigure; run += 1) {
      await etcd.settled();
      await confirmed(performance.now());
      await anyMoment();
      const victim = await etcd.leader();
      const from = performance.now();
      await victim.program.kill("SIGKILL");
      // What was on its way at the kill proves nothing.
      await confirmed(from + 50);
      seconds.push((performance.now() - from) / 1000);
      victim.start();
    }
    return seconds;
  } finally {
    await cluster.stop();
  }
}

async function byVote(version: string | null): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { name, signal } of faults) {
    console.error(`  ${signal} to our leader`);
    const runs = await ownFailover(signal);
    const figure: Figure = { name, unit: "s", value: median(runs), runs };
    if (version === null) figures.push({ ...figure, note: "etcd is not installed" });
    else {
      console.error(`  ${signal} to etcd's leader`);
      const value = median(await etcdFailover(signal));
      figures.push({ ...figure, peer: { name: "etcd, its defaults", version, value } });
    }
  }
  return figures;
}

async function ownFailover(
  signal: Signal,
  serverEnv: Readonly<Record<string, string>> = {},
): Promise<number[]> {
  const cluster = await startCluster({ servers: 3, agents: 0, serverEnv });
  try {
    const observers = new Observers(cluster.servers);
    const settled = (): Promise<Member> =>
      waitFor("one leader that all name", async () => {
        const leader = observers.unanimous();
        return cluster.servers.find(({ id }) => id === leader) ?? null;
      });
    const seconds: number[] = [];
    for (let run = 0; run < runsPerFigure; run += 1) {
      await settled();
      await observers.everyoneAlive();
      await anyMoment();
      const leader = await settled();
      const moment = new Moment("a majority to name another leader");
      observers.onChange = () => {
        const next = observers.leader();
        if (next !== null && next !== leader.id) moment.done();
      };
      const from = performance.now();
      leader.program.process.kill(signal);
      seconds.push(((await moment.reached) - from) / 1000);
      if (signal === "SIGSTOP") leader.program.process.kill("SIGCONT");
      else {
        await leader.program.exited;
        leader.start();
        observers.listen(leader);
      }
    }
    return seconds;
  } finally {
    await cluster.stop();
  }
}

/** Every survivor is asked every 10 ms for the leader that it knows. */
async function etcdFailover(signal: Signal): Promise<number[]> {
  const etcd = await startEtcd(3);
  try {
    const seconds: number[] = [];
    for (let run = 0; run < runsPerFigure; run += 1) {
      await etcd.settled();
      await anyMoment();
      const leader = await etcd.settled();
      const others = etcd.members.filter((member) => member !== leader);
      const before = (await leader.status())?.leader ?? "";
      const from = performance.now();
      leader.program.process.kill(signal);
      await agreed(others, before);
      seconds.push((performance.now() - from) / 1000);
      if (signal === "SIGSTOP") leader.program.process.kill("SIGCONT");
      else {
        await leader.program.kill("SIGKILL");
        leader.start();
      }
    }
    return seconds;
  } finally {
    await etcd.stop();
  }
}

async function agreed(members: readonly EtcdMember[], before: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    const leaders = (await Promise.all(members.map((member) => member.status()))).map(
      (status) => status?.leader ?? "0",
    );
    const [first = "0"] = leaders;
    if (first !== "0" && first !== before && leaders.every((leader) => leader === first)) return;
    await sleep(10);
  }
  throw new Error("waited a minute for etcd to name another leader");
}
