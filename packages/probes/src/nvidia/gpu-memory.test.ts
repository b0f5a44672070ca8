import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { runProbe } from "../run-probe.ts";
import { createGpuBoard } from "./gpu-board.ts";
import { judgeGpuMemory, type ProcessView } from "./gpu-memory.ts";
import { createGpuMemoryProbe } from "./gpu-memory-probe.ts";
import { type GpuFacts, parseSmi } from "./smi-parse.ts";

const report = parseSmi(
  readFileSync(new URL("../../fixtures/xml/rtx-3080-v13.xml", import.meta.url), "utf8"),
);
const [card] = report.gpus;
if (card === undefined) throw new Error("no card");

const GiB = 1024 ** 3;
const process = (pid: number, memoryGiB: number | null): NonNullable<GpuFacts["processes"]>[number] => ({
  pid,
  type: "C",
  name: "/usr/bin/python3",
  memoryBytes:
    memoryGiB === null ? { value: null, absence: "not_applicable", text: "N/A" } : { value: memoryGiB * GiB },
});
const facts = (usedGiB: number, fields: Partial<GpuFacts> = {}): GpuFacts => ({
  ...card,
  memoryUsedBytes: { value: usedGiB * GiB },
  processes: [],
  migEnabled: false,
  ...fields,
});
const host: ProcessView = { seesAll: true, gone: new Set() };
const judge = (one: GpuFacts, view: Partial<ProcessView> = {}) => judgeGpuMemory([one], { ...host, ...view });

describe("GPU memory", () => {
  it("that belongs to processes is theirs, and a card's own is nobody's business", () => {
    expect(judge(facts(0.6)).state).toBe("healthy");
    expect(judge(facts(40, { processes: [process(7, 39.5)] }))).toMatchObject({
      state: "healthy",
      measures: [{ name: "gpu_memory_unowned_bytes", value: 0.5 * GiB }],
    });
  });

  it("without a process is a fault, as is what is left beside the processes", () => {
    expect(judge(facts(40))).toMatchObject({
      state: "degraded",
      reason: expect.stringContaining("40.0 GiB in use belong to no process"),
    });
    expect(judge(facts(40, { processes: [process(7, 10)] })).measures?.[0]?.value).toBe(30 * GiB);
  });

  it("is told once for all cards of which the same is true", () => {
    const [first, second, third] = [0, 1, 2].map((index) =>
      facts(40, { index, busId: `0000:0${index}:00.0` }),
    );
    if (first === undefined || second === undefined || third === undefined) throw new Error("no cards");
    const mixed = [first, second, { ...third, memoryUsedBytes: { value: 50 * GiB } }];
    expect(judgeGpuMemory(mixed, host).reason).toBe(
      "GPUs 0, 1, each: 40.0 GiB in use belong to no process; GPU 2 (0000:02:00.0): 50.0 GiB in use belong to no process",
    );
  });

  it("of a process that has ended is without one", () => {
    const listed = facts(40, { processes: [process(7, 39.5)] });
    expect(judge(listed, { gone: new Set([7]) })).toMatchObject({
      state: "degraded",
      reason: expect.stringContaining("those listed have ended"),
    });
  });

  it("of which a process of unknown size may be the owner is no fault, and no number", () => {
    const judged = judge(facts(40, { processes: [process(7, null)] }));
    expect(judged.state).toBe("healthy");
    expect(judged.measures?.[0]?.value).toBeNull();
  });

  it("whose processes are hidden by a container, MIG or the driver is unknown, not a fault", () => {
    const states = [
      judge(facts(40), { seesAll: false }),
      judge(facts(40, { migEnabled: true })),
      judge(facts(40, { processes: null })),
      judge(facts(40, { fault: "lost" })),
      judge(facts(40, { memoryUsedBytes: { value: null, absence: "unknown", text: "ERR!" } })),
    ].map(({ state, measures }) => [state, measures?.[0]?.value]);
    expect(new Set(states.map(String))).toEqual(new Set(["unknown,"]));
  });

  it("that is little is nobody's, also where processes are hidden", () => {
    expect(judge(facts(0.5), { seesAll: false }).state).toBe("healthy");
  });

  it("of virtual GPUs belongs to their guests", () => {
    expect(judge(facts(40, { virtualization: "Host VGPU" })).state).toBe("healthy");
    expect(judge(facts(40, { virtualization: "Pass-Through" })).state).toBe("degraded");
  });
});

describe("the check of GPU memory", () => {
  const now = () => 1000;
  function procTree(): string {
    const root = mkdtempSync(join(tmpdir(), "gpu-memory-"));
    onTestFinished(() => rmSync(root, { recursive: true }));
    const write = (pid: number, file: string, text: string): void => {
      mkdirSync(join(root, String(pid)), { recursive: true });
      writeFileSync(join(root, String(pid), file), text);
    };
    const stat = (pid: number, letter: string) => `${pid} (python3) ${letter} ${"0 ".repeat(18)}100 0\n`;
    write(2, "comm", "kthreadd\n");
    write(7, "stat", stat(7, "S"));
    write(8, "stat", stat(8, "Z"));
    return root;
  }
  const stateOf = async (pid: number, ownProcRoot: string) => {
    const board = createGpuBoard();
    const gpus = [facts(40, { processes: [process(pid, 39.5)] })];
    board.post({ report: { ...report, gpus }, absent: false, at: 990 });
    const probe = createGpuMemoryProbe({ board, ownProcRoot, nowSeconds: now });
    const { report: told } = await runProbe(probe, now);
    return [told.state, told.readings[0]?.observedAt];
  };

  it("looks whether the processes that the driver lists live", async () => {
    const root = procTree();
    expect(await stateOf(7, root)).toEqual(["healthy", 990]);
    expect(await stateOf(8, root)).toEqual(["degraded", 990]);
    expect(await stateOf(9, root)).toEqual(["degraded", 990]);
    writeFileSync(join(root, "2/comm"), "bash\n");
    expect(await stateOf(9, root)).toEqual(["healthy", 990]);
  });

  it("waits for the first answer of nvidia-smi, and does not take an old one", async () => {
    const board = createGpuBoard();
    let clock = 1000;
    const probe = createGpuMemoryProbe({ board, ownProcRoot: procTree(), nowSeconds: () => clock });
    const first = runProbe(probe, now);
    board.post({ report: null, absent: true, at: clock });
    expect((await first).report.state).toBe("not_applicable");
    board.post({ report: { ...report, gpus: [facts(0.1)] }, absent: false, at: clock });
    expect((await runProbe(probe, now)).report.state).toBe("healthy");
    clock += 121;
    expect((await runProbe(probe, now)).report).toMatchObject({ state: "unknown", readings: [] });
  });
});
