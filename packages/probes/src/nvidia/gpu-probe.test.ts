import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createProgramRunner } from "../program-run.ts";
import { runProbe } from "../run-probe.ts";
import { createGpuBoard } from "./gpu-board.ts";
import { createGpuProbe } from "./gpu-probe.ts";
import { createGpuRoster } from "./gpu-roster.ts";

const replayer = fileURLToPath(new URL("../../fixtures/nvidia-smi-replayer.mjs", import.meta.url));
const capture = (name: string) => fileURLToPath(new URL(`../../fixtures/xml/${name}`, import.meta.url));
const nowSeconds = () => 1000;
const never = () => new AbortController().signal;

function replay(mode: string, file = "tesla-t4.xml"): void {
  vi.stubEnv("NVIDIA_SMI_REPLAY_MODE", mode);
  vi.stubEnv("NVIDIA_SMI_REPLAY_FILE", capture(file));
  onTestFinished(() => void vi.unstubAllEnvs());
}

/** A host with one NVIDIA GPU in a slot of 8 lanes, and its sound device. */
function gpuHost(): { procRoot: string; sysRoot: string } {
  const root = mkdtempSync(join(tmpdir(), "gpu-host-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const port = join(root, "sys/devices/pci0000:00/0000:00:01.0");
  const bus = join(root, "sys/bus/pci/devices");
  mkdirSync(join(root, "proc/driver/nvidia"), { recursive: true });
  mkdirSync(bus, { recursive: true });
  for (const [name, deviceClass] of [
    ["0000:00:1e.0", "0x030200"],
    ["0000:00:1e.1", "0x040300"],
  ] as const) {
    mkdirSync(join(port, name), { recursive: true });
    writeFileSync(join(port, name, "vendor"), "0x10de\n");
    writeFileSync(join(port, name, "class"), `${deviceClass}\n`);
    symlinkSync(join("../../../devices/pci0000:00/0000:00:01.0", name), join(bus, name));
  }
  writeFileSync(join(port, "max_link_width"), "8\n");
  return { procRoot: join(root, "proc"), sysRoot: join(root, "sys") };
}

/** Starting a program may take seconds on a busy machine, so only the test of hanging waits briefly. */
const patientMs = 20_000;
vi.setConfig({ testTimeout: 2 * patientMs });

function probe(nvidiaSmi: string, expectedGpus: number | null = null, smiTimeoutMs = patientMs) {
  const roster = createGpuRoster();
  const board = createGpuBoard();
  return createGpuProbe({ nvidiaSmi, expectedGpus, ...gpuHost(), roster, board, nowSeconds, smiTimeoutMs });
}

describe("the GPU probe with a real program", () => {
  it("reads the card, its slot and its readings", async () => {
    replay("ok");
    const { report, gpus, resources } = await runProbe(probe(replayer, 1), nowSeconds);
    expect(report).toMatchObject({ check: "gpu", state: "healthy", details: { notListed: [] } });
    expect(gpus).toMatchObject([{ index: 0, busId: "0000:00:1e.0", state: "healthy" }]);
    expect(resources?.gpuUtilizationRatio).not.toBeUndefined();
    const notes = (report.details.gpus as { notes: string[] }[])[0]?.notes;
    expect(notes).toEqual(["persistence mode is off"]);
  });

  it("reports every card of a host, never only the first", async () => {
    replay("ok", "h100-mig.xml");
    vi.stubEnv("NVIDIA_SMI_REPLAY_GPUS", "8");
    const { report, gpus } = await runProbe(probe(replayer, 8), nowSeconds);
    expect(report.state).toBe("healthy");
    expect(new Set(gpus?.map(({ uuid }) => uuid)).size).toBe(8);
  });

  it.each([
    ["garbage", /no XML/],
    ["half", /cut off/],
    ["flood", /more than 4194304 bytes/],
    ["exit:9", /does not answer .*exit code 9/],
    ["exit:3", /not available/],
  ])("is unknown on %s", async (mode, reason) => {
    replay(mode);
    const { report, gpus } = await runProbe(probe(replayer), nowSeconds);
    expect(report.state).toBe("unknown");
    expect(report.reason).toMatch(reason);
    expect(report.readings).toEqual([]);
    expect(gpus).toBeNull();
  });

  it("is unknown when nvidia-smi hangs, and kills it", async () => {
    replay("hang");
    const { report, gpus } = await runProbe(probe(replayer, null, 1000), nowSeconds);
    expect(report).toMatchObject({ state: "unknown", readings: [] });
    expect(report.reason).toContain("no answer for 1 s and was killed");
    expect(gpus).toBeNull();
  });

  it("is unknown when the program is missing though the hardware is there", async () => {
    const { report } = await runProbe(probe("/nonexistent/nvidia-smi"), nowSeconds);
    expect(report).toMatchObject({ state: "unknown" });
    expect(report.reason).toContain("nvidia-smi is not installed");
  });

  it("is unknown when the program may not be run", async () => {
    const { report } = await runProbe(probe(capture("tesla-t4.xml")), nowSeconds);
    expect(report).toMatchObject({ state: "unknown" });
    expect(report.reason).toContain("could not be run");
  });
});

describe("createProgramRunner", () => {
  it("never starts a second call beside one that still runs", async () => {
    replay("hang");
    let clock = 1000;
    const call = createProgramRunner({ program: replayer, timeoutMs: 60_000, nowSeconds: () => clock });
    const controller = new AbortController();
    const first = call(["-q", "-x"], controller.signal);
    clock += 33;
    expect(await call(["-q", "-x"], never())).toEqual({ kind: "hung", forSeconds: 33 });
    controller.abort();
    expect((await first).kind).toBe("timed_out");
    replay("exit:9");
    expect(await call(["-q", "-x"], never())).toMatchObject({ kind: "exited", code: 9 });
  });

  it("passes arguments as they are, without a shell", async () => {
    const call = createProgramRunner({ program: replayer, timeoutMs: 20_000, nowSeconds });
    const run = await call(["-q; echo $HOME"], never());
    expect(run).toMatchObject({ kind: "exited", code: 2 });
    expect(run.kind === "exited" ? run.stdout : "").toContain("-q; echo $HOME");
  });
});
