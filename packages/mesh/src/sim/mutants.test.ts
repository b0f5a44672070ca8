import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type Hunt, sourceOf } from "./hunt-mutants.ts";
import { mutants, mutate } from "./mutants.ts";

const script = fileURLToPath(new URL("./hunt-mutants.ts", import.meta.url));

test.each(mutants)("the core can still have this bug: $name", (mutant) => {
  const source = readFileSync(sourceOf(mutant), "utf8");
  expect(mutate(source, mutant)).not.toBe(source);
});

// `pnpm sim --mutants` hunts each with every hunter that must see it, and those that take hundreds of schedules.
test("each bug is caught by the search or within 60 schedules, and told with a trace", {
  timeout: 120_000,
}, () => {
  const hunts: Hunt[] = JSON.parse(execFileSync(process.execPath, [script, "60"], { encoding: "utf8" }));
  const missed = hunts.filter(({ caught }) => caught === null).map(({ mutant }) => mutant);
  expect(missed).toEqual([]);
  expect(hunts.length).toBeGreaterThanOrEqual(20);
  for (const { caught } of hunts) {
    const lines = caught?.explanation.split("\n") ?? [];
    expect(lines.length).toBeGreaterThan(2);
    expect(lines[0]).toContain(caught?.invariant);
    if (caught?.by.startsWith("seed") === true) {
      const [, seed, nodes] = /^seed (\d+), (\d) voters$/.exec(caught.by) ?? [];
      expect(lines[0]).toContain(`Seed ${seed} with ${nodes} voters breaks`);
      expect(lines.at(-1)).toBe(`Repeat: pnpm sim --from ${seed} --seeds 1 --nodes ${nodes}`);
    }
  }
});
