import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Reading } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import type { Measure } from "./judgement.ts";
import { gpuMeasures } from "./nvidia/gpu-measures.ts";
import { createNvlinkWatch } from "./nvidia/nvlink.ts";
import { parseSmi } from "./nvidia/smi-parse.ts";
import { readingCatalog } from "./reading-catalog.ts";
import { createProbes } from "./registry.ts";
import { runProbe } from "./run-probe.ts";

const fixture = (path: string) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const nowSeconds = () => 1000;

/** Names with their labels, as the catalogue should have them. */
const shapes = (readings: readonly (Reading | Measure)[]): string[] => [
  ...new Set(readings.map(({ name, labels = {} }) => `${name}{${Object.keys(labels).sort()}}`)),
];
const cataloged = new Set(
  Object.values(readingCatalog)
    .flat()
    .map(({ name, labels }) => `${name}{${[...labels].sort()}}`),
);
const unknown = (readings: readonly (Reading | Measure)[]) =>
  shapes(readings).filter((shape) => !cataloged.has(shape));

describe("the catalogue of readings", () => {
  it.each([
    ["this host", {}],
    ["a tree of files", { procRoot: fixture("proc"), sysRoot: fixture("sys") }],
  ])("has every reading that a probe brings on %s, with its labels", async (_, roots) => {
    const options = { nvidiaSmi: "/nowhere/nvidia-smi", expectedGpus: null, nowSeconds };
    const probes = createProbes({ ...options, ...roots, processPatterns: ["init"] });
    const reports = await Promise.all(
      probes.map(async (probe) => (await runProbe(probe, nowSeconds)).report),
    );
    for (const probe of probes) probe.close?.();
    const here = reports.flatMap(({ readings }) => readings);
    expect(here.length).toBeGreaterThan(10);
    expect(unknown(here)).toEqual([]);
  });

  it("has every reading of every card", () => {
    const cards = readdirSync(fixture("xml")).flatMap(
      (file) => parseSmi(readFileSync(fixture(`xml/${file}`), "utf8")).gpus,
    );
    const watch = createNvlinkWatch();
    const head = "GPU 0: X (UUID: GPU-1)\n";
    watch.take(`${head} Link 0: 25 GB/s\n`, 0);
    watch.takeErrors(`${head} Link 0: CRC Errors: 0\n`, 0);
    const links = watch.measures({ gpu: "0", uuid: "GPU-1" });
    expect(links).toHaveLength(3);
    expect(unknown([...cards.flatMap(gpuMeasures), ...links])).toEqual([]);
  });

  it("names each reading once, under a check that there is", () => {
    const names = Object.values(readingCatalog)
      .flat()
      .map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const checks = createProbes({ nvidiaSmi: "", expectedGpus: null, nowSeconds }).map(({ name }) => name);
    const others = Object.keys(readingCatalog).filter((check) => !checks.includes(check));
    expect(others).toEqual(["textfiles", "custom"]);
  });
});
