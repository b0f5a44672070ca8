import { describe, expect, test } from "vitest";
import { runDay } from "./day.ts";
import { createDetectionRun, untilAllList } from "./detection.ts";

const clusters: readonly (readonly [number, number])[] = [
  [1, 4],
  [3, 2],
  [3, 27],
  [5, 25],
];
const seeds = [1, 2, 3, 4, 5];

describe.each(clusters)("%i servers, %i agents", (servers, agents) => {
  const start = (seed: number): ReturnType<typeof createDetectionRun> => {
    const run = createDetectionRun({ seed, servers, agents });
    run.run(5_000);
    return run;
  };

  test.each(seeds)("a killed agent is down everywhere within 1 s (seed %i)", (seed) => {
    const run = start(seed);
    run.kill("n1");
    expect(untilAllList(run, "n1", "down")).toBeLessThanOrEqual(1_000);
    expect(run.everDown()).toEqual(["n1"]);
  });

  test.each(seeds)("a frozen agent is suspect within 3.1 s and down within 4.5 s (seed %i)", (seed) => {
    const run = start(seed);
    run.freeze("n1");
    const suspectMs = untilAllList(run, "n1", "suspect");
    expect(suspectMs).toBeLessThanOrEqual(3_100);
    expect(suspectMs + untilAllList(run, "n1", "down")).toBeLessThanOrEqual(4_500);
  });
});

test.each(seeds)("20 %% loss for 10 minutes declares nobody down (seed %i)", (seed) => {
  const run = createDetectionRun({ seed, servers: 3, agents: 20 });
  run.setLoss(0.2);
  run.run(600_000);
  expect(run.everDown()).toEqual([]);
});

test.each(seeds)("pauses of 4 s declare nobody down (seed %i)", (seed) => {
  const run = createDetectionRun({ seed, servers: 3, agents: 20 });
  run.run(2_000);
  for (const agent of run.agents) {
    run.freeze(agent);
    run.run(4_000);
    run.thaw(agent);
    run.run(700);
  }
  expect(run.everDown()).toEqual([]);
});

test.each(seeds)("a server whose loop is stuck for 10 s blames nobody for it (seed %i)", (seed) => {
  const run = createDetectionRun({ seed, servers: 3, agents: 20 });
  run.run(2_000);
  run.stall("s2", 10_000);
  run.run(20_000);
  expect(run.everDown()).toEqual([]);
});

test("a member that restarts at once, with its clock set back an hour, outranks what was said of its life before", () => {
  const run = createDetectionRun({ seed: 1, servers: 3, agents: 20 });
  run.restart("n1", 1e12);
  run.run(2_000);
  run.kill("n1");
  expect(untilAllList(run, "n1", "down")).toBeLessThanOrEqual(1_000);
  run.restart("n1", 1e12 - 3_600_000);
  expect(untilAllList(run, "n1", "alive")).toBeLessThanOrEqual(100);
});

test("all agents restart at once after all were declared down: each is alive everywhere within 5 s", () => {
  const run = createDetectionRun({ seed: 1, servers: 3, agents: 30 });
  run.run(2_000);
  for (const agent of run.agents) run.kill(agent);
  run.run(60_000);
  expect(run.everDown()).toHaveLength(30);
  for (const agent of run.agents) run.restart(agent, 1e12);
  run.run(5_000);
  for (const agent of run.agents) expect(run.states(agent)).toEqual(["alive", "alive", "alive"]);
});

// The day of 1,000 agents: `pnpm sim --detection`.
test.each([1, 2])(
  "an hour of restarts, stops, loss and stuck servers declares no live member down (seed %i)",
  (seed) => {
    const result = runDay({ seed, agents: 50, servers: 3, hours: 1, churnPerHour: 0.2 });
    expect(result).toMatchObject({ violation: null, liveDeclaredDown: 0, pauses: 24 });
    expect(result.crashes).toBeGreaterThan(3);
    expect(result.detectionsMs.length).toBeGreaterThan(0);
  },
);

test("an agent that comes and goes every 3 s for 10 min is told of for a minute, and its death after that still is", () => {
  let told = 0;
  const run = createDetectionRun({
    seed: 1,
    servers: 3,
    agents: 20,
    see: (fact) => {
      if (fact.type === "listed" && fact.server === "s2") told += 1;
    },
  });
  run.run(2_000);
  told = 0;
  for (let time = 0; time < 600_000; time += 6_000) {
    run.kill("n1");
    run.run(3_000);
    run.restart("n1", 1e12);
    run.run(3_000);
  }
  // Three a return, and one more for each life that a follower hears of before the leader's word comes.
  expect(told).toBeLessThan(60);
  expect(run.states("n1")).toEqual(["suspect", "suspect", "suspect"]);
  run.kill("n1");
  run.run(35_000);
  expect(run.states("n1")).toEqual(["down", "down", "down"]);
});

test("a server whose loop lags by 2 s declares nobody down, and what it shares accuses later", () => {
  const run = createDetectionRun({ seed: 1, servers: 3, agents: 20 });
  run.run(2_000);
  for (let times = 0; times < 10; times += 1) {
    run.stall("s1", 2_000);
    run.run(2_500);
    expect(run.servers[0]?.view.localHealth.multiplier).toBeGreaterThan(3);
  }
  expect(run.everDown()).toEqual([]);
});

test("a rack that goes silent is held back, and down after the hold", () => {
  const run = createDetectionRun({ seed: 1, servers: 3, agents: 30 });
  run.run(3_000);
  for (const agent of run.agents.slice(0, 10)) run.freeze(agent);
  run.run(20_000);
  expect(run.everDown()).toEqual([]);
  run.run(30_000);
  expect(run.everDown()).toHaveLength(10);
});
