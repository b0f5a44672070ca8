import { describe, expect, it } from "vitest";
import { type DiskCounters, judgeDiskIo, parseDisks } from "./disk-io.ts";

describe("disk latency", () => {
  const counters: DiskCounters = {
    reads: 100,
    bytesRead: 0,
    readMs: 50,
    writes: 100,
    bytesWritten: 0,
    writeMs: 50,
    inFlight: 0,
    busyMs: 80,
  };
  const judge = (later: Partial<DiskCounters>, earlier: Partial<DiskCounters> = {}) =>
    judgeDiskIo(
      { disks: new Map([["nvme0n1", { ...counters, ...earlier }]]), atSeconds: 0 },
      { disks: new Map([["nvme0n1", { ...counters, ...later }]]), atSeconds: 10 },
    );

  it("reads whole disks and leaves out their parts, images and unused devices", () => {
    const lines = [
      "   8       0 sda 10 0 80 5 20 0 160 7 0 9 12",
      "   8       1 sda1 10 0 80 5 20 0 160 7 0 9 12",
      " 259       0 nvme0n1 1 0 8 1 0 0 0 0 2 1 1 0 0 0 0",
      " 259       1 nvme0n1p1 1 0 8 1 0 0 0 0 0 1 1",
      "   7       0 loop0 10 0 80 5 20 0 160 7 0 9 12",
      " 253       0 vdb 0 0 0 0 0 0 0 0 0 0 0",
    ];
    const disks = parseDisks(lines.join("\n"));
    expect([...disks.keys()]).toEqual(["sda", "nvme0n1"]);
    expect(disks.get("sda")).toMatchObject({ reads: 10, bytesRead: 40_960, readMs: 5, bytesWritten: 81_920 });
  });

  it("is degraded by slow requests and unhealthy when none of those that wait is finished", () => {
    expect(judge({ reads: 150, readMs: 100 }).state).toBe("healthy");
    expect(judge({ reads: 150, readMs: 50_050 })).toMatchObject({ state: "degraded" });
    expect(judge({ reads: 101, readMs: 5050 }).state).toBe("healthy");
    expect(judge({ inFlight: 3 }, { inFlight: 2 }).state).toBe("unhealthy");
    expect(judge({ reads: 101, inFlight: 3 }, { inFlight: 2 }).state).toBe("healthy");
  });

  it("measures nothing where counters went back or nothing was asked", () => {
    const mean = (judged: ReturnType<typeof judge>) =>
      judged.measures?.find(({ name }) => name === "disk_request_mean_seconds");
    expect(mean(judge({ reads: 0 }))).toMatchObject({ value: null });
    expect(mean(judge({}))).toMatchObject({ value: null, absence: "not_applicable" });
    expect(mean(judge({ reads: 110, readMs: 150 }))?.value).toBeCloseTo(0.01);
  });
});
