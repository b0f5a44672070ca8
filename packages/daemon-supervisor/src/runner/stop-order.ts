import type { DaemonPlan } from "../core/daemon-plan.ts";

/** Ends daemons: each when those of `names` that depend on it are down, unrelated ones at the same time. */
export async function inStopOrder(
  plan: DaemonPlan,
  names: readonly string[],
  end: (name: string) => Promise<void>,
): Promise<void> {
  const ended = new Map<string, Promise<void>>();
  const planned = plan.stopOrder.filter((name) => names.includes(name));
  // A removed daemon that could not be killed is in no plan.
  const unplanned = names.filter((name) => !planned.includes(name));
  for (const name of [...unplanned, ...planned]) {
    const before = plan.dependentsOf(name).map((dependent) => ended.get(dependent));
    ended.set(
      name,
      Promise.all(before).then(() => end(name)),
    );
  }
  await Promise.all(ended.values());
}
