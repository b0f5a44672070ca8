import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { type Mutant, mutants, mutate } from "./mutants.ts";
import type { SimulationOptions, SimulationResult } from "./simulation.ts";

/** How one bug was found, or that it was not. */
export interface Hunt {
  readonly mutant: string;
  /** What it broke, and in which schedule; null when no schedule saw it. */
  readonly caught: {
    readonly invariant: string;
    readonly seed: number;
    readonly nodes: number;
    /** What the simulator would print of it. */
    readonly explanation: string;
  } | null;
}

interface Simulator {
  readonly simulate: (options: SimulationOptions) => SimulationResult;
  readonly explainFailure: (options: SimulationOptions) => string;
}

const mark = "?mutant=";

/**
 * Simulates each bug until an invariant breaks, for at most `seeds` schedules of each size; needs a Node that runs TypeScript.
 *
 * @param rare also those that take hundreds of schedules
 */
export async function huntMutants(
  seeds: number,
  rare: boolean,
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
      if (mutant.rare === true && !rare) continue;
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
  const url = `${new URL("./simulation.ts", import.meta.url).href}${mark}${encodeURIComponent(mutant.name)}`;
  const { simulate, explainFailure }: Simulator = await import(url);
  for (let seed = 1; seed <= seeds; seed += 1) {
    for (const nodes of [3, 4, 5]) {
      const { failure } = simulate({ seed, nodes });
      if (failure === null) continue;
      const explanation = explainFailure({ seed, nodes });
      return { mutant: mutant.name, caught: { invariant: failure.invariant, seed, nodes, explanation } };
    }
  }
  return { mutant: mutant.name, caught: null };
}

if (import.meta.main) console.log(JSON.stringify(await huntMutants(Number(process.argv[2]), false)));
