import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCpuTimes } from "./cpu.ts";
import { parseDisks } from "./disk-io.ts";
import { parsePortRate, parsePortState } from "./infiniband.ts";
import { parseOpenFiles } from "./kernel-limits.ts";
import { parseLoad } from "./load.ts";
import { parseMemoryInfo } from "./memory.ts";
import { parseMounts } from "./mounts.ts";
import { parseInterfaces } from "./network.ts";
import { parseStall } from "./pressure.ts";
import { parseProcessState } from "./processes.ts";
import { parsePopulated } from "./services.ts";
import { parseSwapPages } from "./swap.ts";

const fixture = (path: string) => fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url));
const text = (path: string) => readFileSync(fixture(path), "utf8");

describe("parsers given any text", () => {
  const parsers: readonly [string, (content: string) => unknown][] = [
    ["stat", parseCpuTimes],
    ["loadavg", parseLoad],
    ["meminfo", parseMemoryInfo],
    ["vmstat", parseSwapPages],
    ["net/dev", parseInterfaces],
    ["pressure/io", (content) => parseStall(content, "io")],
    ["self/mountinfo", parseMounts],
    ["2/stat", parseProcessState],
  ];

  it.each(parsers)("%s: gives finite numbers or a typed error", (path, parse) => {
    const real = text(`proc/${path}`);
    const damaged = fc
      .tuple(fc.nat(real.length), fc.nat(40), fc.string({ maxLength: 20 }))
      .map(([at, cut, insert]) => real.slice(0, at) + insert + real.slice(at + cut));
    fc.assert(
      fc.property(fc.oneof(fc.string(), damaged), (content) => {
        try {
          for (const number of numbersIn(parse(content))) {
            expect(Number.isFinite(number) && number >= 0).toBe(true);
          }
        } catch (error) {
          expect(error).toMatchObject({ name: "ProbeError", code: "PROBE_BAD_INPUT" });
        }
      }),
    );
  });
});

describe("parsers of counters and states given any text", () => {
  const damaged = (real: string) =>
    fc
      .tuple(fc.nat(real.length), fc.nat(40), fc.string({ maxLength: 20 }))
      .map(([at, cut, insert]) => real.slice(0, at) + insert + real.slice(at + cut));

  it.each([
    ["proc/diskstats", (content: string) => [...parseDisks(content).values()].flatMap(Object.values)],
    ["proc/sys/fs/file-nr", (content: string) => Object.values(parseOpenFiles(content))],
    ["sys/class/infiniband/mlx5_0/ports/1/rate", (content: string) => [parsePortRate(content) ?? 0]],
    [
      "sys/class/infiniband/mlx5_0/ports/1/state",
      (content: string) => [parsePortState(content)?.length ?? 0],
    ],
    [
      "sys/fs/cgroup/system.slice/docker.service/cgroup.events",
      (content: string) => [Number(parsePopulated(content))],
    ],
  ])("%s: gives finite numbers or a typed error", (path, parse) => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), damaged(text(path))), (content) => {
        try {
          for (const number of parse(content)) expect(Number.isFinite(number) && number >= 0).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ name: "ProbeError", code: "PROBE_BAD_INPUT" });
        }
      }),
    );
  });
});

function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  if (value instanceof Map) return [...value.values()].flatMap(numbersIn);
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(numbersIn);
  return [];
}
