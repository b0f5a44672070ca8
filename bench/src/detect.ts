import { startCluster } from "@ringrift/e2e/cluster";
import { Observers } from "@ringrift/e2e/observers";
import { type Figure, median } from "./figure.ts";
import { serfDetection } from "./serf.ts";
import { anyMoment, Moment, runsPerFigure, versionOf } from "./timed.ts";

const serverCount = 3;

/** From a signal to one agent until every other member of the cluster lists it as suspect or down. */
export async function run(): Promise<Figure[]> {
  return [...(await detection(5, "")), ...(await detection(30, "_30_members"))];
}

async function detection(members: number, suffix: string): Promise<Figure[]> {
  console.error(`  ${members} members of ours`);
  const ours = await ownDetection(members);
  const figures = [
    { name: `agent_sigkill_detect_seconds${suffix}`, runs: ours.killed, signal: "SIGKILL" },
    { name: `agent_sigstop_suspect_seconds${suffix}`, runs: ours.suspected, signal: null },
    { name: `agent_sigstop_down_seconds${suffix}`, runs: ours.down, signal: "SIGSTOP" },
  ] as const;
  const version = versionOf("serf", "version");
  const result: Figure[] = [];
  for (const { name, runs, signal } of figures) {
    const figure: Figure = { name, unit: "s", value: median(runs), runs };
    if (signal === null) result.push({ ...figure, note: "serf does not tell of suspects" });
    else if (version === null) result.push({ ...figure, note: "serf is not installed" });
    else {
      console.error(`  ${members} members of serf, ${signal}`);
      const value = median(await serfDetection(members, "local", signal, runsPerFigure));
      result.push({ ...figure, peer: { name: "serf, local profile", version, value } });
    }
  }
  return result;
}

async function ownDetection(
  members: number,
): Promise<{ killed: number[]; suspected: number[]; down: number[] }> {
  const cluster = await startCluster({
    servers: serverCount,
    agents: members - serverCount,
    agentEnv: { RINGRIFT_LOG_LEVEL: "debug" },
  });
  try {
    const observers = new Observers([...cluster.servers, ...cluster.agents]);
    await observers.everyoneAlive();
    const killed: number[] = [];
    const suspected: number[] = [];
    const down: number[] = [];
    for (let run = 0; run < 2 * runsPerFigure; run += 1) {
      const victim = cluster.agents[run % cluster.agents.length];
      if (victim === undefined) throw new Error("no agent");
      const freeze = run >= runsPerFigure;
      await anyMoment();
      const suspectAt = new Moment(`all to suspect ${victim.id}`);
      const downAt = new Moment(`all to list ${victim.id} as down`);
      observers.onChange = () => {
        if (observers.all(victim, ["suspect", "down"])) suspectAt.done();
        if (observers.all(victim, ["down"])) downAt.done();
      };
      const from = performance.now();
      victim.program.process.kill(freeze ? "SIGSTOP" : "SIGKILL");
      const [suspectSeconds, downSeconds] = (await Promise.all([suspectAt.reached, downAt.reached])).map(
        (at) => (at - from) / 1000,
      );
      if (suspectSeconds === undefined || downSeconds === undefined) throw new Error("no moment");
      if (freeze) {
        suspected.push(suspectSeconds);
        down.push(downSeconds);
        victim.program.process.kill("SIGCONT");
      } else {
        killed.push(downSeconds);
        victim.start();
        observers.listen(victim);
      }
      await observers.everyoneAlive();
    }
    return { killed, suspected, down };
  } finally {
    await cluster.stop();
  }
}
