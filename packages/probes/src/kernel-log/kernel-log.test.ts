import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createGpuRoster } from "../nvidia/gpu-roster.ts";
import { boot, bootId, emptyHost, nowSeconds, write, xid } from "./kernel-log.test.kit.ts";
import { createKernelLog, type KernelLog } from "./kernel-log.ts";

const fakeJournalctl = fileURLToPath(new URL("../../fixtures/journalctl-fake.mjs", import.meta.url));

interface Host {
  readonly folder: string;
  readonly log: string;
  /** A start of the agent: it knows what the one before has saved. */
  start(options?: { readonly log?: string; readonly boot?: string }): KernelLog;
}

function host(): Host {
  const { folder, log } = emptyHost();
  return {
    folder,
    log,
    start: (options = {}) => {
      boot(folder, options.boot);
      const started = createKernelLog({
        log: options.log ?? log,
        memoryFile: join(folder, "memory.json"),
        procRoot: join(folder, "proc"),
        roster: createGpuRoster(),
        nowSeconds,
        journalctl: fakeJournalctl,
      });
      onTestFinished(() => started.close());
      return started;
    },
  };
}

async function news(log: KernelLog): Promise<(number | null)[]> {
  const { faults } = await log.poll();
  return faults.errors(nowSeconds()).flatMap((error) => (error.toldBefore ? [] : [error.xid]));
}

describe("a kernel log in a file", () => {
  it("is followed line by line; half a line waits for its end", async () => {
    const { log, start } = host();
    const following = start();
    write(log, xid(48));
    expect(await news(following)).toEqual([48]);
    appendFileSync(log, xid(79).slice(0, 30));
    expect(await news(following)).toEqual([48]);
    write(log, xid(79).slice(30));
    expect(await news(following)).toEqual([48, 79]);
  });

  it("is not told again after a restart, but for what was written meanwhile", async () => {
    const { log, start } = host();
    const first = start();
    write(log, xid(48), xid(79));
    expect(await news(first)).toEqual([48, 79]);
    write(log, xid(119));
    const second = start();
    expect(await news(second)).toEqual([119]);
    const third = start();
    expect(await news(third)).toEqual([]);
    expect((await third.poll()).faults.gpuFaults(nowSeconds())).toHaveLength(3);
  });

  it("is followed over rotation and truncation", async () => {
    const { log, start } = host();
    const following = start();
    write(log, xid(48));
    await following.poll();
    write(log, xid(62));
    renameSync(log, `${log}.1`);
    write(log, xid(79));
    await following.poll();
    expect(await news(following)).toEqual([48, 62, 79]);
    writeFileSync(log, "");
    await following.poll();
    write(log, xid(119));
    expect(await news(following)).toEqual([48, 62, 79, 119]);
  });

  it("passes over lines that say they are of an earlier boot", async () => {
    const { log, start } = host();
    write(log, `2001-01-01T00:00:00+00:00 gpu-7 kernel: ${xid(79)}`, `[    0.000001] ${xid(48)}`);
    expect(await news(start())).toEqual([48]);
  });

  it("has a bound for a line without end and for what one read brings", async () => {
    const { log, start } = host();
    const following = start();
    writeFileSync(log, "x".repeat(100_000));
    expect((await following.poll()).linesLost).toBe(1);
    write(log, "", xid(79));
    expect(await news(following)).toEqual([79]);
  });

  it("that is missing is a problem until it is there", async () => {
    const { folder, start } = host();
    const path = join(folder, "later.log");
    const following = start({ log: path });
    expect((await following.poll()).problem?.reason).toContain("later.log can't be read");
    write(path, xid(79));
    expect(await news(following)).toEqual([79]);
    expect((await following.poll()).problem).toBeNull();
  });

  it("begins anew after a reboot, and keeps its counts", async () => {
    const { log, start } = host();
    write(log, xid(79));
    await start().poll();
    const { faults } = await start({ boot: "b0000000-0000-0000-0000-000000000002" }).poll();
    expect(faults.gpuFaults(nowSeconds())).toEqual([]);
    expect(faults.errorCounts()).toMatchObject([{ code: "79", count: 1 }]);
  });

  it("survives a damaged memory and says so", async () => {
    const { folder, log, start } = host();
    for (const text of ["", "{", '{"version":2}', "[]"]) {
      writeFileSync(join(folder, "memory.json"), text);
      write(log, xid(79));
      const view = await start().poll();
      expect(view.memoryProblem).toContain("damaged");
      expect(view.faults.gpuFaults(nowSeconds())).toHaveLength(1);
    }
    expect(JSON.parse(readFileSync(join(folder, "memory.json"), "utf8"))).toMatchObject({ version: 1 });
  });
});

describe("a kernel log in the journal", { timeout: 40_000 }, () => {
  const entry = (cursor: number, message: string) =>
    JSON.stringify({
      __CURSOR: `i=${cursor}`,
      _BOOT_ID: bootId.replaceAll("-", ""),
      __REALTIME_TIMESTAMP: String(Math.round(Date.now() * 1000)),
      MESSAGE: message,
    });
  function journal(folder: string, ...entries: string[]): void {
    const path = join(folder, "journal");
    write(path, ...entries);
    vi.stubEnv("JOURNAL_FAKE_FILE", path);
    onTestFinished(() => void vi.unstubAllEnvs());
  }

  it("is followed from where the last start of the agent left it", async () => {
    const { folder, start } = host();
    journal(folder, entry(1, "noise"), entry(2, xid(48)));
    const first = start({ log: "journald" });
    await vi.waitFor(async () => expect(await news(first)).toEqual([48]), 20_000);
    first.close();
    journal(folder, entry(3, xid(79)));
    const second = start({ log: "journald" });
    await vi.waitFor(async () => expect(await news(second)).toEqual([79]), 20_000);
  });

  it("is read to its end before the first answer, however long it is", async () => {
    const { folder, start } = host();
    journal(
      folder,
      ...Array.from({ length: 3000 }, (_, index) => entry(index + 1, "noise")),
      entry(3001, xid(48)),
    );
    const following = start({ log: "journald" });
    expect(await news(following)).toEqual([48]);
    expect((await following.poll()).linesRead).toBe(3001);
    // A line more comes from the program that follows, once.
    journal(folder, entry(3002, xid(79)));
    const next = start({ log: "journald" });
    expect(await news(next)).toEqual([79]);
  });

  it("that is not shown to this user is a problem at once, and not an empty log", async () => {
    const { folder, start } = host();
    journal(folder, entry(1, xid(48)));
    vi.stubEnv("JOURNAL_FAKE_HIDDEN", "1");
    const { problem } = await start({ log: "journald" }).poll();
    expect(problem?.reason).toContain("shows no journal to this user");
  });

  it("that can't be followed is a problem with journalctl's own words", async () => {
    const { folder, start } = host();
    journal(folder, entry(1, "noise"));
    vi.stubEnv("JOURNAL_FAKE_END", "1");
    const following = start({ log: "journald" });
    await vi.waitFor(async () => {
      expect((await following.poll()).problem?.reason).toContain("no journal files were found");
    }, 20_000);
  });
});
