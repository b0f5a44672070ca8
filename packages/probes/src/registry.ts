import { HealthThresholds } from "@ringrift/protocol";
import { createClockProbe } from "./host/clock-probe.ts";
import { createContainerRuntimeProbe } from "./host/container-runtime.ts";
import { createCpuProbe } from "./host/cpu.ts";
import { createDiskIoProbe } from "./host/disk-io.ts";
import { createDisksProbe } from "./host/disks.ts";
import { createInfinibandProbe } from "./host/infiniband.ts";
import { createConntrackProbe, createFilesProbe } from "./host/kernel-limits.ts";
import { createKernelStateProbe } from "./host/kernel-state.ts";
import { createLoadProbe } from "./host/load.ts";
import { createMachineProbe } from "./host/machine.ts";
import { createMemoryProbe } from "./host/memory.ts";
import { createNetworkProbe } from "./host/network.ts";
import { createPressureProbe } from "./host/pressure.ts";
import { createProcessesProbe } from "./host/processes.ts";
import { createServicesProbe } from "./host/services.ts";
import { createSwapProbe } from "./host/swap.ts";
import { createKernelLogProbes } from "./kernel-log/kernel-log-probes.ts";
import { createGpuBoard } from "./nvidia/gpu-board.ts";
import { createGpuMemoryProbe } from "./nvidia/gpu-memory-probe.ts";
import { createGpuProbe } from "./nvidia/gpu-probe.ts";
import { createGpuRoster } from "./nvidia/gpu-roster.ts";
import type { Probe, ProbeOptions } from "./probe.ts";
import { steadyProbe } from "./steady-probe.ts";

/** The time-out that the probes' own numbers are made for. */
const standardTimeoutSeconds = 5;

/** Every probe of this host, in the order in which people should read them. Each keeps its own memory between runs. */
export function createProbes(options: ProbeOptions): Probe[] {
  const {
    nvidiaSmi,
    expectedGpus,
    nowSeconds,
    procRoot = "/proc",
    sysRoot = "/sys",
    etcRoot = "/etc",
    runRoot = "/run",
    stateRoot = "/var/lib",
    processPatterns = [],
    kernelLog = null,
    kernelLogMemory = null,
    timeoutSeconds = standardTimeoutSeconds,
    clockOffsetSeconds = HealthThresholds.CLOCK_OFFSET_SECONDS,
  } = options;
  const scale = timeoutSeconds / standardTimeoutSeconds;
  const roster = createGpuRoster();
  const board = createGpuBoard();
  const probes = [
    createCpuProbe(procRoot, nowSeconds),
    createLoadProbe(procRoot, nowSeconds),
    createMemoryProbe(procRoot, nowSeconds),
    createSwapProbe(procRoot, nowSeconds),
    createDisksProbe(procRoot, nowSeconds),
    createDiskIoProbe(procRoot, nowSeconds),
    createNetworkProbe(procRoot, sysRoot, nowSeconds),
    createInfinibandProbe(sysRoot, nowSeconds),
    createConntrackProbe(procRoot, nowSeconds),
    createPressureProbe(procRoot, nowSeconds),
    createProcessesProbe(procRoot, processPatterns, process.pid, nowSeconds),
    createFilesProbe(procRoot, nowSeconds),
    createServicesProbe({ sysRoot, etcRoot, runRoot }, nowSeconds),
    createContainerRuntimeProbe(runRoot, nowSeconds),
    createClockProbe({
      roots: { procRoot, sysRoot, runRoot, stateRoot },
      nowSeconds,
      wallSeconds: () => Date.now() / 1000,
      steadySeconds: () => performance.now() / 1000,
      limitSeconds: clockOffsetSeconds,
      serverClocks: options.serverClocks,
    }),
    createKernelStateProbe(procRoot, runRoot, nowSeconds),
    createMachineProbe(sysRoot, etcRoot, nowSeconds),
    createGpuProbe({
      nvidiaSmi,
      expectedGpus,
      procRoot,
      sysRoot,
      roster,
      board,
      nowSeconds,
      smiTimeoutMs: 20_000 * scale,
    }),
    createGpuMemoryProbe({ board, ownProcRoot: "/proc", nowSeconds }),
    ...createKernelLogProbes({
      log: kernelLog,
      memoryFile: kernelLogMemory,
      expectedGpus,
      roster,
      procRoot,
      sysRoot,
      nowSeconds,
    }),
  ];
  return probes.map((probe) =>
    steadyProbe({ ...probe, timeoutSeconds: probe.timeoutSeconds * scale }, probe.confirm),
  );
}
