import { describe, expect, it } from "vitest";
import { ProcessMetrics } from "./process-metrics.ts";

describe("ProcessMetrics", () => {
  it("reads the process's own numbers and leaves out a lag that was not measured yet", () => {
    const metrics = new ProcessMetrics("health-server", "1.2.3");
    const families = metrics.families();
    metrics.stop();
    const value = (name: string) => families.find((family) => family.name === name)?.samples[0]?.value;
    expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(value("process_resident_memory_bytes")).toBeGreaterThan(1e6);
    expect(value("process_start_time_seconds")).toBeGreaterThan(1.6e9);
    expect(value("ringrift_event_loop_lag_seconds")).toBeUndefined();
    expect(families.find((family) => family.name === "ringrift_build_info")?.samples).toEqual([
      { labels: { program: "health-server", version: "1.2.3" }, value: 1 },
    ]);
  });
});
