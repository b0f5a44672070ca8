import { expect, test } from "vitest";
import { type Cluster, createCluster } from "./cluster.ts";
import type { SimulatedVoter } from "./simulated-voter.ts";

interface Scene extends Cluster {
  readonly led: SimulatedVoter;
  readonly others: readonly SimulatedVoter[];
}

/** A cluster whose leader is settled. */
function settled(seed: number, nodes: number): Scene {
  const cluster = createCluster(seed, nodes);
  cluster.run(8_000);
  const led = cluster.leader();
  if (led === undefined) throw new Error(`seed ${seed}: no leader after 8 s`);
  return { ...cluster, led, others: cluster.voters.filter((voter) => voter !== led) };
}

function separate(scene: Cluster, inside: readonly SimulatedVoter[]): void {
  for (const a of inside) {
    for (const b of scene.voters) {
      if (inside.includes(b)) continue;
      scene.network.cut(a.id, b.id);
      scene.network.cut(b.id, a.id);
    }
  }
}

function terms(scene: Cluster): number[] {
  return scene.voters.map((voter) => voter.state()?.term ?? -1);
}

const seeds = [1, 2, 3, 4, 5, 6, 7, 8];

test.each(seeds)(
  "a leader in the minority acts no longer than its lease, and the majority elects (seed %i)",
  (seed) => {
    const scene = settled(seed, 5);
    separate(scene, [scene.led, ...scene.others.slice(0, 1)]);
    scene.run(820);
    expect(scene.led.holdsLease()).toBe(false);
    scene.run(5_000);
    expect(scene.others.slice(1)).toContain(scene.leader());
    const before = Math.max(...terms(scene));
    scene.network.heal();
    scene.run(3_000);
    expect(new Set(terms(scene))).toEqual(new Set([before]));
  },
);

test.each(seeds)("two halves of four elect nobody, and heal by themselves (seed %i)", (seed) => {
  const scene = settled(seed, 4);
  separate(scene, scene.voters.slice(0, 2));
  scene.run(820);
  for (let second = 0; second < 20; second += 1) {
    expect(scene.leader()).toBeUndefined();
    scene.run(1_000);
  }
  scene.network.heal();
  scene.run(5_000);
  expect(scene.leader()).toBeDefined();
});

test.each(seeds)("a leader that hears nobody gives way although all hear it (seed %i)", (seed) => {
  const scene = settled(seed, 3);
  for (const voter of scene.others) scene.network.cut(voter.id, scene.led.id);
  scene.run(6_000);
  expect(scene.others).toContain(scene.leader());
});

test.each(seeds)("a follower that cannot reach its leader changes nothing (seed %i)", (seed) => {
  const scene = settled(seed, 3);
  const before = terms(scene);
  scene.network.cut(scene.others[0]?.id ?? "", scene.led.id);
  scene.run(60_000);
  expect(scene.leader()).toBe(scene.led);
  expect(terms(scene)).toEqual(before);
});

test.each(seeds)("a chain with the leader at its end keeps its leader (seed %i)", (seed) => {
  const scene = settled(seed, 3);
  const before = terms(scene);
  const far = scene.others[1]?.id ?? "";
  scene.network.cut(scene.led.id, far);
  scene.network.cut(far, scene.led.id);
  scene.run(60_000);
  expect(scene.leader()).toBe(scene.led);
  expect(terms(scene)).toEqual(before);
});

test.each(seeds)("when only one voter reaches all others, it becomes the leader (seed %i)", (seed) => {
  const scene = settled(seed, 5);
  const [hub, ...rest] = scene.others;
  const rim = [scene.led, ...rest];
  for (const a of rim) for (const b of rim) if (a !== b) scene.network.cut(a.id, b.id);
  scene.run(10_000);
  expect(scene.leader()).toBe(hub);
});

test.each(seeds)("a voter back from 10 minutes alone disturbs nobody (seed %i)", (seed) => {
  const scene = settled(seed, 3);
  const before = terms(scene);
  separate(scene, scene.others.slice(0, 1));
  scene.run(600_000);
  scene.network.heal();
  scene.run(5_000);
  expect(scene.leader()).toBe(scene.led);
  expect(terms(scene)).toEqual(before);
});

test.each([
  ["blocked by its own work", 5_000],
  ["frozen", 10_000],
  ["frozen", 60_000],
])("a leader %s for %i ms finds itself replaced and has no lease", (_how, ms) => {
  const scene = settled(1, 3);
  scene.led.pause();
  scene.run(ms);
  expect(scene.led.holdsLease()).toBe(false);
  scene.led.resume();
  scene.run(1_000);
  expect(scene.led.state()?.role).toBe("follower");
  expect(scene.others).toContain(scene.leader());
});
