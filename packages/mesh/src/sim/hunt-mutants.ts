import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { type Mutant, mutants, mutate } from "./mutants.ts";
import type { SearchOptions, SearchResult } from "./search/search.ts";
import type { SimulationOptions, SimulationResult } from "./simulation.ts";

/** How one bug was found by one hunter, or that it was not. */
export interface Hunt {
  readonly mutant: string;
  readonly hunter: "search" | "schedules";
  /** Null when nothing saw it. */
  readonly caught: {
    readonly invariant: string;
    /** The schedule, or the search. */
    readonly by: string;
    /** What the simulator would print of it. */
    readonly explanation: string;
  } | null;
}

type Caught = Hunt["caught"];

interface Simulator {
  readonly simulate: (options: SimulationOptions) => SimulationResult;
  readonly explainFailure: (options: SimulationOptions) => string;
}

interface Searcher {
  readonly search: (options: SearchOptions) => SearchResult;
}

const mark = "?mutant=";
/** A mutant loads the sources of what stands beside it, and not what was built of them. */
const protocol = {
  name: "@ringrift/protocol",
  source: new URL("../../../protocol/src/index.ts", import.meta.url).href,
};

export function sourceOf({ file }: Mutant): URL {
  return new URL(`../core/${file}`, import.meta.url);
}

/**
 * Looks for each bug until an invariant breaks, in the search and in at most `seeds` schedules of each size; needs a Node
 * that runs TypeScript.
 *
 * @param all with every hunter that must see the bug, instead of with the quickest, and those that take hundreds of schedules
 */
export async function huntMutants(
  seeds: number,
  all: boolean,
  onHunt: (hunt: Hunt) => void = () => {},
): Promise<Hunt[]> {
  const hooks = registerHooks({
    // A module loaded for a mutant loads the rest of this package for the same mutant.
    resolve: (specifier, context, next) => {
      const name = context.parentURL?.split(mark)[1];
      const result = next(
        name !== undefined && specifier === protocol.name ? protocol.source : specifier,
        context,
      );
      const own = /^[./]|^file:/.test(specifier) || specifier === protocol.name;
      return name !== undefined && own && !result.url.includes(mark)
        ? { ...result, url: result.url + mark + name }
        : result;
    },
    load: (url, context, next) => {
      const [file = url, name] = url.split(mark);
      const mutant = mutants.find((each) => each.name === decodeURIComponent(name ?? ""));
      if (mutant === undefined || file !== sourceOf(mutant).href) return next(url, context);
      const source = mutate(readFileSync(fileURLToPath(file), "utf8"), mutant);
      return { format: "module-typescript", source, shortCircuit: true };
    },
  });
  try {
    const hunts: Hunt[] = [];
    for (const mutant of mutants) {
      for (const hunter of huntersOf(mutant, all)) {
        const found = await hunt(mutant, hunter, seeds);
        onHunt(found);
        hunts.push(found);
      }
    }
    return hunts;
  } finally {
    hooks.deregister();
  }
}

function huntersOf({ search, schedules }: Mutant, all: boolean): Hunt["hunter"][] {
  const hunters: Hunt["hunter"][] = search === undefined ? [] : ["search"];
  const scheduled = all ? schedules !== "never" : schedules === undefined && search === undefined;
  return scheduled ? [...hunters, "schedules"] : hunters;
}

async function hunt(mutant: Mutant, hunter: Hunt["hunter"], seeds: number): Promise<Hunt> {
  const caught = hunter === "search" ? await searchFor(mutant) : await scheduleFor(mutant, seeds);
  return { mutant: mutant.name, hunter, caught };
}

async function searchFor(mutant: Mutant): Promise<Caught> {
  if (mutant.search === undefined) return null;
  const { search }: Searcher = await import(mutated("./search/search.ts", mutant));
  const { violation } = search(mutant.search);
  if (violation === null) return null;
  const { rule, trace } = violation;
  const { nodes, maxTerm } = mutant.search;
  const by = `every order of events among ${nodes} voters to term ${maxTerm}`;
  return { invariant: rule, by, explanation: [rule, ...trace].join("\n") };
}

async function scheduleFor(mutant: Mutant, seeds: number): Promise<Caught> {
  const { simulate, explainFailure }: Simulator = await import(mutated("./simulation.ts", mutant));
  for (let seed = 1; seed <= seeds; seed += 1) {
    for (const nodes of [3, 4, 5]) {
      const { failure } = simulate({ seed, nodes });
      if (failure === null) continue;
      const by = `seed ${seed}, ${nodes} voters`;
      return { invariant: failure.invariant, by, explanation: explainFailure({ seed, nodes }) };
    }
  }
  return null;
}

function mutated(file: string, { name }: Mutant): string {
  return `${new URL(file, import.meta.url).href}${mark}${encodeURIComponent(name)}`;
}

if (import.meta.main) console.log(JSON.stringify(await huntMutants(Number(process.argv[2]), false)));
