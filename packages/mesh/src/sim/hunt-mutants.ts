import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { type Mutant, mutants, mutate } from "./mutants.ts";
import type { SearchOptions, SearchResult } from "./search/search.ts";
import type { SimulationOptions, SimulationResult } from "./simulation.ts";

/** How one bug was found, or that it was not. */
export interface Hunt {
  readonly mutant: string;
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

/** Enough of the search for bugs in voting; a second's work. */
const searchBound: SearchOptions = { maxTerm: 2, maxVisits: 20_000 };
const mark = "?mutant=";

/**
 * Looks for each bug until an invariant breaks, in at most `seeds` schedules of each size; needs a Node that runs TypeScript.
 *
 * @param all also those that take hundreds of schedules
 */
export async function huntMutants(
  seeds: number,
  all: boolean,
  onHunt: (hunt: Hunt) => void = () => {},
): Promise<Hunt[]> {
  const hooks = registerHooks({
    // A module loaded for a mutant loads the rest of this package for the same mutant.
    resolve: (specifier, context, next) => {
      const result = next(specifier, context);
      const name = context.parentURL?.split(mark)[1];
      const own = specifier.startsWith(".") && name !== undefined && !result.url.includes(mark);
      return own ? { ...result, url: result.url + mark + name } : result;
    },
    load: (url, context, next) => {
      const [file = url, name] = url.split(mark);
      const mutant = mutants.find((each) => each.name === decodeURIComponent(name ?? ""));
      if (mutant === undefined || !file.endsWith(`/core/${mutant.file}`)) return next(url, context);
      const source = mutate(readFileSync(fileURLToPath(file), "utf8"), mutant);
      return { format: "module-typescript", source, shortCircuit: true };
    },
  });
  try {
    const hunts: Hunt[] = [];
    for (const mutant of mutants) {
      if (mutant.hunter === "many schedules" && !all) continue;
      const found = await hunt(mutant, seeds);
      onHunt(found);
      hunts.push(found);
    }
    return hunts;
  } finally {
    hooks.deregister();
  }
}

async function hunt(mutant: Mutant, seeds: number): Promise<Hunt> {
  const bySearch = mutant.hunter === "search";
  const caught = bySearch ? await searchFor(mutant) : await scheduleFor(mutant, seeds);
  return { mutant: mutant.name, caught };
}

async function searchFor(mutant: Mutant): Promise<Caught> {
  const { search }: Searcher = await import(mutated("./search/search.ts", mutant));
  const { violation, visits } = search(searchBound);
  if (violation === null) return null;
  const { rule, trace } = violation;
  return { invariant: rule, by: `search, ${visits} states`, explanation: [rule, ...trace].join("\n") };
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
