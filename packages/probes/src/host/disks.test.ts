import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { judgeDisks, mountAsker, type Space } from "./disks.ts";
import { remember, type SpaceHistory, secondsUntilFull } from "./fill-rate.ts";
import { type Mount, parseMounts } from "./mounts.ts";

const text = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../fixtures/proc/${path}`, import.meta.url)), "utf8");
const gib = 1024 ** 3;

describe("disks", () => {
  const mount: Mount = {
    mountPoint: "/data",
    device: "/dev/nvme1n1",
    fileSystem: "xfs",
    readOnly: false,
    kernelReadOnly: false,
  };
  const space = (availableBytes: number, inodes: Space["inodes"] = null) =>
    ({ kind: "space", space: { totalBytes: 100 * gib, availableBytes, inodes } }) as const;
  const stateOf = (answer: Parameters<typeof judgeDisks>[0][number]["answer"], of: Mount = mount) =>
    judgeDisks([{ mount: of, answer }]).state;

  it("looks at each block device once and at nothing else", () => {
    expect(parseMounts(text("self/mountinfo")).map(({ mountPoint }) => mountPoint)).toEqual([
      "/",
      "/archive",
      "/boot/efi",
      "/data/training sets",
      "/scratch",
    ]);
  });

  it("tells a filesystem the kernel made read-only from one mounted so", () => {
    const mounts = new Map(parseMounts(text("self/mountinfo")).map((found) => [found.mountPoint, found]));
    expect(mounts.get("/scratch")).toMatchObject({ readOnly: true, kernelReadOnly: true });
    expect(mounts.get("/archive")).toMatchObject({ readOnly: true, kernelReadOnly: false });
    expect(stateOf(space(50 * gib), { ...mount, readOnly: true, kernelReadOnly: true })).toBe("unhealthy");
    expect(stateOf(space(0), { ...mount, readOnly: true })).toBe("healthy");
  });

  it("is degraded, then unhealthy, as space and inodes run out", () => {
    expect(stateOf(space(11 * gib))).toBe("healthy");
    expect(stateOf(space(9 * gib))).toBe("degraded");
    expect(stateOf(space(1 * gib))).toBe("unhealthy");
    expect(stateOf(space(50 * gib, { total: 100, free: 4 }))).toBe("degraded");
    expect(stateOf(space(50 * gib, { total: 100, free: 0 }))).toBe("unhealthy");
  });

  it("leaves a huge disk at 9 % alone: it has room for days", () => {
    const huge = { totalBytes: 20_000 * gib, availableBytes: 1800 * gib, inodes: null };
    expect(stateOf({ kind: "space", space: huge })).toBe("healthy");
  });

  it("is not applicable without block filesystems and unknown without an answer", () => {
    expect(judgeDisks([]).state).toBe("not_applicable");
    expect(stateOf({ kind: "failed", reason: "EACCES" })).toBe("unknown");
    const readings = judgeDisks([{ mount, answer: { kind: "failed", reason: "EACCES" } }]).measures ?? [];
    expect(readings.find(({ name }) => name === "filesystem_available_bytes")?.value).toBeNull();
  });

  it("gives up on a hung mount alone, does not ask it twice and keeps threads free", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const asked: string[] = [];
    const ask = mountAsker(
      (mountPoint) => {
        asked.push(mountPoint);
        return mountPoint.startsWith("/hung")
          ? new Promise<Space>(() => {})
          : Promise.resolve({ totalBytes: 1, availableBytes: 1, inodes: null });
      },
      () => 100,
    );
    const at = async (mountPoint: string) => {
      const answer = ask({ ...mount, mountPoint });
      await vi.advanceTimersByTimeAsync(2000);
      return (await answer).answer.kind;
    };
    expect(await at("/hung1")).toBe("hung");
    expect(await at("/fine")).toBe("space");
    expect(await at("/hung1")).toBe("hung");
    expect(await at("/hung2")).toBe("hung");
    expect(await at("/fine")).toBe("failed");
    expect(asked).toEqual(["/hung1", "/fine", "/hung2"]);
  });
});

describe("the forecast of a filesystem", () => {
  const fill = (bytesPerMinute: number, minutes: number): SpaceHistory => {
    let history: SpaceHistory = [];
    for (let minute = 0; minute <= minutes; minute += 1)
      history = remember(history, { atSeconds: minute * 60, availableBytes: 1e12 - minute * bytesPerMinute });
    return history;
  };

  it("says nothing before a quarter of an hour, nor of space that does not shrink", () => {
    expect(secondsUntilFull(fill(1e9, 14))).toBeNull();
    expect(secondsUntilFull(fill(0, 60))).toBeNull();
    expect(secondsUntilFull(fill(-1e9, 60))).toBeNull();
  });

  it("is exact for a steady rate and forgets what is older than an hour", () => {
    expect(secondsUntilFull(fill(1e10, 50))).toBeCloseTo((5e11 / 1e10) * 60);
    expect(fill(1, 500).length).toBeLessThanOrEqual(64);
  });

  it("degrades a filesystem that is full within four hours", () => {
    const mount = {
      mountPoint: "/data",
      device: "/dev/sda",
      fileSystem: "xfs",
      readOnly: false,
      kernelReadOnly: false,
    };
    const space = { totalBytes: 1e12, availableBytes: 5e11, inodes: null };
    const at = (fullInSeconds: number | null) =>
      judgeDisks([{ mount, answer: { kind: "space", space }, fullInSeconds }]).state;
    expect([at(null), at(5 * 3600), at(3600)]).toEqual(["healthy", "healthy", "degraded"]);
  });
});
