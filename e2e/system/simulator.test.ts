import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

function sim(...flags: readonly string[]): string {
  return execFileSync(process.execPath, ["scripts/sim.ts", ...flags], { cwd: root, encoding: "utf8" });
}

test("3,000 schedules of faults hold every invariant", { timeout: 300_000 }, () => {
  expect(sim("--seeds", "3000")).toContain("3000 schedules from seed 1 hold");
});

test("every order of events among three voters to term 3 holds the rules of voting", {
  timeout: 300_000,
}, () => {
  expect(sim("--exhaustive")).toContain("3 voters to term 3 hold");
});

test("every bug put into the cores is caught", { timeout: 600_000 }, () => {
  expect(sim("--mutants")).toMatch(/(\d+) of \1 bugs caught by each/);
});
