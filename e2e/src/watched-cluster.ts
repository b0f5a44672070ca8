import { type Cluster, type ClusterPlan, type Member, startCluster } from "./cluster.ts";
import { Observers } from "./observers.ts";

/** A cluster with what its members say of one another. */
export interface WatchedCluster {
  readonly cluster: Cluster;
  readonly all: readonly Member[];
  readonly observers: Observers;
}

/** Starts a cluster, its agents as talkative as its servers, and waits until everyone lists everyone alive. */
export async function startWatchedCluster(plan: ClusterPlan): Promise<WatchedCluster> {
  const agentEnv = { RINGRIFT_LOG_LEVEL: "debug", ...plan.agentEnv };
  const cluster = await startCluster({ ...plan, agentEnv });
  const all = [...cluster.servers, ...cluster.agents];
  const observers = new Observers(all);
  try {
    await observers.everyoneAlive();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return { cluster, all, observers };
}
