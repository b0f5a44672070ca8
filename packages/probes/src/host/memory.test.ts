import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { judgeMemory, memoryUsedRatio, parseMemoryInfo } from "./memory.ts";
import { judgeSwap, parseSwapPages, type SwapSample } from "./swap.ts";

const text = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../fixtures/proc/${path}`, import.meta.url)), "utf8");

describe("memory", () => {
  it("judges what is available, not what is free", () => {
    const info = parseMemoryInfo(text("meminfo"));
    expect(judgeMemory(info).state).toBe("healthy");
    expect(memoryUsedRatio(info)).toBeCloseTo(0.25);
  });

  it("is degraded below 5 % and unhealthy below 2 % available", () => {
    const at = (available: number) =>
      judgeMemory(
        new Map([
          ["MemTotal", 100],
          ["MemAvailable", available],
        ]),
      ).state;
    expect([at(5), at(4.9), at(2), at(1.9)]).toEqual(["healthy", "degraded", "degraded", "unhealthy"]);
  });

  it("does not guess availability from MemFree", () => {
    const judged = judgeMemory(parseMemoryInfo("MemTotal: 100 kB\nMemFree: 90 kB\n"));
    expect(judged.state).toBe("unknown");
    expect(judged.measures?.find(({ name }) => name === "memory_available_bytes")?.value).toBeNull();
  });
});

describe("swap", () => {
  const sample = (total: number, free: number, moved: number | null, atSeconds: number): SwapSample => ({
    info: new Map([
      ["SwapTotal", total],
      ["SwapFree", free],
    ]),
    pages: moved === null ? null : { in: moved, out: moved },
    atSeconds,
  });

  it("does not apply to a host without swap", () => {
    expect(judgeSwap(sample(0, 0, 0, 0), sample(0, 0, 0, 1)).state).toBe("not_applicable");
  });

  it("is degraded when nearly full or thrashing, not when merely used", () => {
    expect(judgeSwap(sample(100, 50, 0, 0), sample(100, 50, 10, 1)).state).toBe("healthy");
    expect(judgeSwap(sample(100, 4, 0, 0), sample(100, 4, 0, 1)).state).toBe("degraded");
    expect(judgeSwap(sample(100, 50, 0, 0), sample(100, 50, 900, 1)).state).toBe("degraded");
  });

  it("reads the page counters", () => {
    expect(parseSwapPages(text("vmstat"))).toEqual({ in: 100, out: 300 });
    expect(parseSwapPages("pswpin 1\n")).toBeNull();
  });
});
