// The order in which daemons start and stop.

/** What the graph needs to know of a daemon. */
export interface DependencyNode {
  readonly name: string;
  readonly dependsOn: readonly string[];
}

/** Cycles in full, each as `findCycle` tells it; of cycles that share a member one is told. */
export function findCycles(nodes: readonly DependencyNode[]): string[][] {
  const cycles: string[][] = [];
  let left = nodes;
  for (let cycle = findCycle(left); cycle !== null; cycle = findCycle(left)) {
    cycles.push(cycle);
    const told = new Set(cycle);
    left = left.filter((node) => !told.has(node.name));
  }
  return cycles;
}

/** One cycle in full, first name repeated at its end (`["a", "b", "a"]`), or null when there is none. */
export function findCycle(nodes: readonly DependencyNode[]): string[] | null {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const finished = new Set<string>();
  for (const root of nodes) {
    // An explicit stack: a chain of thousands must not overflow the call stack.
    const path: string[] = [];
    const onPath = new Set<string>();
    const stack: { name: string; next: number }[] = [{ name: root.name, next: 0 }];
    if (finished.has(root.name)) continue;
    path.push(root.name);
    onPath.add(root.name);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const dependency = byName.get(top.name)?.dependsOn[top.next];
      top.next += 1;
      if (dependency === undefined) {
        finished.add(top.name);
        onPath.delete(top.name);
        path.pop();
        stack.pop();
      } else if (onPath.has(dependency)) {
        return [...path.slice(path.indexOf(dependency)), dependency];
      } else if (byName.has(dependency) && !finished.has(dependency)) {
        path.push(dependency);
        onPath.add(dependency);
        stack.push({ name: dependency, next: 0 });
      }
    }
  }
  return null;
}

/**
 * Names with every dependency before its dependents; otherwise in the order given.
 * Needs a graph without cycles: with one, the members of the cycle are left out.
 */
export function startOrder(nodes: readonly DependencyNode[]): string[] {
  const order: string[] = [];
  const placed = new Set<string>();
  const known = new Set(nodes.map((node) => node.name));
  let waiting = [...nodes];
  while (waiting.length > 0) {
    const ready = waiting.filter((node) =>
      node.dependsOn.every((name) => placed.has(name) || !known.has(name)),
    );
    if (ready.length === 0) break;
    for (const node of ready) {
      order.push(node.name);
      placed.add(node.name);
    }
    waiting = waiting.filter((node) => !placed.has(node.name));
  }
  return order;
}
