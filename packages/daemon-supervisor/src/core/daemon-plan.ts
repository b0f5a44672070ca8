// How daemons hang together: who waits for whom, and who goes down with whom.
import type { DaemonState } from "@ringrift/protocol";
import type { DaemonDefinition, Dependency } from "../definition/definition.ts";
import { type DependencyNode, startOrder } from "./dependency-graph.ts";

type Member = Pick<DaemonDefinition, "name" | "group" | "dependsOn" | "exits">;

/** What a waiting daemon needs to know of another. */
export interface PeerFacts {
  readonly state: DaemonState;
  readonly started: boolean;
  readonly ready: boolean;
  readonly completed: boolean;
}

export type Loss = { readonly name: string; readonly reaction: "restart" | "stop"; readonly why: string };

/** The relations within one set of definitions, worked out once. */
export class DaemonPlan {
  readonly #order: readonly string[];
  readonly #dependencies = new Map<string, readonly Dependency[]>();
  readonly #dependents = new Map<string, { readonly name: string; readonly dependency: Dependency }[]>();
  readonly #goesDown = new Map<string, readonly string[]>();
  readonly #neverRestarted: ReadonlySet<string>;
  readonly #depths = new Map<string, number>();

  constructor(definitions: readonly Member[]) {
    this.#neverRestarted = new Set(
      definitions.filter((one) => one.exits.mode === "never").map((one) => one.name),
    );
    for (const definition of definitions) {
      const members = definitions.filter(
        (one) => one.group !== null && one.group.name === definition.group?.name,
      );
      const place = members.indexOf(definition);
      const dependencies = withMemberBefore(definition, members[place - 1]);
      this.#dependencies.set(definition.name, dependencies);
      for (const dependency of dependencies) {
        const others = this.#dependents.get(dependency.name) ?? [];
        this.#dependents.set(dependency.name, [...others, { name: definition.name, dependency }]);
      }
      const strategy = definition.group?.strategy;
      const down =
        strategy === "one_for_all" ? members : strategy === "rest_for_one" ? members.slice(place + 1) : [];
      this.#goesDown.set(
        definition.name,
        down.map((one) => one.name).filter((name) => name !== definition.name),
      );
    }
    this.#order = startOrder(this.nodes());
    for (const name of this.#order) {
      const below = (this.#dependencies.get(name) ?? []).map((one) => this.#depths.get(one.name) ?? 0);
      this.#depths.set(name, 1 + Math.max(0, ...below));
    }
  }

  /** The graph that orders starts and stops: a member of a group also depends on the one defined before it. */
  nodes(): DependencyNode[] {
    return [...this.#dependencies].map(([name, dependencies]) => ({
      name,
      dependsOn: dependencies.map((dependency) => dependency.name),
    }));
  }

  get startOrder(): readonly string[] {
    return this.#order;
  }

  /** Dependents first. */
  get stopOrder(): readonly string[] {
    return this.#order.toReversed();
  }

  /** How many stops follow each other from `name` down to what it depends on, itself included. */
  stopsFrom(name: string): number {
    return this.#depths.get(name) ?? 1;
  }

  /** Who must be down before `name` is stopped. */
  dependentsOf(name: string): readonly string[] {
    return (this.#dependents.get(name) ?? []).map((dependent) => dependent.name);
  }

  /** What `name` still waits for before it may start, each as the end of the sentence "waiting for …". */
  unmet(name: string, facts: (name: string) => PeerFacts | undefined): string[] {
    const waits = (this.#dependencies.get(name) ?? []).flatMap((dependency) => {
      const peer = facts(dependency.name);
      if (peer !== undefined && isMet(dependency.condition, peer)) return [];
      const hopeless =
        peer?.state === "failed" || peer?.state === "start_refused" || peer?.state === "stopped";
      return [
        `${dependency.name} ${conditionText[dependency.condition]}${hopeless ? ` (it is ${peer.state})` : ""}`,
      ];
    });
    const ending = (this.#goesDown.get(name) ?? []).filter((other) => facts(other)?.state === "stopping");
    return [...waits, ...ending.map((other) => `${other} to end`)];
  }

  /**
   * Who is taken down when `name` dies, in start order: if it is restarted its group by its strategy; then who asked for it
   * to be so, and who asked for those. Of several reactions that meet in one daemon, a stop prevails.
   */
  lossesOf(name: string, isRestarted: boolean): readonly Loss[] {
    const found = new Map(isRestarted ? this.#groupLosses(name) : []);
    const toVisit = [name, ...found.keys()];
    for (let lost = toVisit.shift(); lost !== undefined; lost = toVisit.shift()) {
      for (const { name: dependent, dependency } of this.#dependents.get(lost) ?? []) {
        const reaction = dependency.whenLost;
        if (reaction === "keep" || dependent === name) continue;
        const known = found.get(dependent);
        if (known === undefined) toVisit.push(dependent);
        if (known === undefined || reaction === "stop")
          found.set(dependent, { name: dependent, reaction, why: `${lost} was lost` });
      }
    }
    return this.#order.flatMap((one) => found.get(one) ?? []);
  }

  #groupLosses(name: string): (readonly [string, Loss])[] {
    const why = `${name} of its group died`;
    return (this.#goesDown.get(name) ?? []).map((other) => [
      other,
      { name: other, reaction: this.#neverRestarted.has(other) ? "stop" : "restart", why },
    ]);
  }
}

const conditionText: Readonly<Record<Dependency["condition"], string>> = {
  started: "to start",
  ready: "to be ready",
  completed: "to complete",
};

/** What has completed has also been started and been all that it can be. */
function isMet(condition: Dependency["condition"], peer: PeerFacts): boolean {
  if (peer.completed) return true;
  return condition === "started" ? peer.started : condition === "ready" && peer.ready;
}

function withMemberBefore(definition: Member, before: Member | undefined): readonly Dependency[] {
  const own = definition.dependsOn;
  if (before === undefined || own.some((one) => one.name === before.name)) return own;
  return [...own, { name: before.name, condition: "ready", whenLost: "keep" }];
}
