import fc from "fast-check";
import { afterEach, expect, it } from "vitest";
import { pass, type Scripted, useVirtualTime, VirtualFleet } from "../virtual.test.kit.ts";

useVirtualTime();

const names = ["store", "api", "web", "alone"] as const;
type Name = (typeof names)[number];
type Step =
  | { readonly kind: "start" | "stop" | "restart" | "crash"; readonly name: Name }
  /** Another definition of it, so that it has to restart. */
  | { readonly kind: "redefine"; readonly name: Name }
  | { readonly kind: "pass"; readonly ms: number };

const dependencies: Readonly<Record<Name, readonly Name[]>> = {
  store: [],
  api: ["store"],
  web: ["api"],
  alone: [],
};

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(...(["start", "stop", "restart", "crash", "redefine"] as const)),
      name: fc.constantFrom(...names),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.constantFrom(0, 1, 20, 50, 51, 1_000, 70_000),
    }),
  },
);

/** Watches from inside the daemons what must never happen, whatever the manager believes. */
class Witness {
  readonly #live = new Set<Name>();
  readonly #ready = new Set<Name>();
  readonly wrongs: string[] = [];

  watch(name: Name, service: Scripted): void {
    const { start, stop } = service;
    service.start = async (fail) => {
      if (this.#live.has(name)) this.wrongs.push(`${name} was started twice`);
      const missing = dependencies[name].filter((other) => !this.#ready.has(other));
      if (missing.length > 0) this.wrongs.push(`${name} was started without ${missing.join()}`);
      this.#live.add(name);
      await start.call(service, (error) => {
        this.#ready.delete(name);
        fail(error);
      });
      if (this.#live.has(name)) this.#ready.add(name);
    };
    service.stop = async () => {
      this.#ready.delete(name);
      await stop.call(service);
      this.#live.delete(name);
    };
  }

  isLive(name: Name): boolean {
    return this.#live.has(name);
  }
}

let fleet = new VirtualFleet();
afterEach(async () => {
  const stop = fleet.manager.stop();
  await pass(1_000);
  await stop;
});

async function play(
  steps: readonly Step[],
  strategy: Parameters<VirtualFleet["group"]>[1] | null,
): Promise<void> {
  fleet = new VirtualFleet();
  const witness = new Witness();
  const services = new Map<Name, Scripted>();
  for (const name of names) {
    const on = dependencies[name].map((other) => ({
      name: other,
      whenLost: name === "web" ? "restart" : "keep",
    }));
    const service = fleet.add(name, {
      dependsOn: on,
      restart: { firstDelaySeconds: 0.1, maxDelaySeconds: 0.1, burstDeaths: 1000, hourlyDeaths: 1000 },
    });
    Object.assign(service, { startMs: 20, stopMs: 50 });
    services.set(name, service);
    witness.watch(name, service);
  }
  if (strategy !== null) fleet.group("g", strategy);
  const manager = await fleet.start({
    fleet: { restarts: 10_000, restartsAtStart: 10_000, restartsPerSecond: 1000 },
  });
  const lastWord = new Map<Name, "up" | "down">(names.map((name) => [name, "up"]));
  const pending: Promise<void>[] = [];
  let definitions = fleet.definitions;
  for (const one of steps) {
    if (one.kind === "pass") await pass(one.ms);
    else if (one.kind === "crash") services.get(one.name)?.crash();
    else if (one.kind === "redefine") {
      definitions = definitions.map((old) =>
        old.name === one.name ? { ...old, critical: !old.critical } : old,
      );
      pending.push(manager.reload(definitions));
    } else {
      lastWord.set(one.name, one.kind === "stop" ? "down" : "up");
      pending.push(manager[`${one.kind}Daemon`](one.name));
    }
  }
  await pass(600_000);
  await Promise.all(pending);
  expect(witness.wrongs).toEqual([]);
  for (const name of names) {
    const needsDown = lastWord.get(name) === "down";
    const canBeUp = [name, ...reach(name)].every((other) => lastWord.get(other) === "up");
    if (needsDown) expect([name, fleet.state(name), witness.isLive(name)]).toEqual([name, "stopped", false]);
    else if (canBeUp && strategy === null)
      expect([name, fleet.state(name), witness.isLive(name)]).toEqual([name, "running", true]);
  }
  expectAlternating();
  const stop = manager.stop();
  await pass(1_000);
  await stop;
  expect(names.filter((name) => witness.isLive(name))).toEqual([]);
}

function reach(name: Name): Name[] {
  return dependencies[name].flatMap((other) => [other, ...reach(other)]);
}

/** Each start that is told ends in an end that is told, before the next start. */
function expectAlternating(): void {
  for (const name of names) {
    const told = fleet
      .names(name)
      .filter((event) => event !== "DAEMON_DEGRADED" && event.startsWith("DAEMON"));
    for (const [i, event] of told.entries()) {
      if (event === "DAEMON_STARTED" && i > 0)
        expect([name, told[i - 1]]).not.toEqual([name, "DAEMON_STARTED"]);
    }
  }
}

it("never runs a daemon twice or before what it needs, and ends as the last word said, whatever comes together", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 25, size: "max" }),
      async (steps) => await play(steps, null),
    ),
    { numRuns: 150 },
  );
}, 60_000);

it("holds all that in groups, whose members take each other down", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 25, size: "max" }),
      fc.constantFrom("one_for_one" as const, "one_for_all" as const, "rest_for_one" as const),
      async (steps, strategy) => await play(steps, strategy),
    ),
    { numRuns: 100 },
  );
}, 60_000);
