import { join } from "node:path";
import { hostProbe } from "../host/host-probe.ts";
import { parseProcessState } from "../host/processes.ts";
import { byteText } from "../judgement.ts";
import { readKernelFile } from "../kernel-file.ts";
import type { Probe } from "../probe.ts";
import type { GpuBoard } from "./gpu-board.ts";
import { judgeGpuMemory, ownMemoryBytes, type ProcessView } from "./gpu-memory.ts";
import type { GpuFacts } from "./smi-parse.ts";

/** An answer of nvidia-smi that is older says nothing of now. */
const staleSeconds = 120;
/** More than any real host lists. */
const maxLookedAt = 512;

export interface GpuMemoryOptions {
  readonly board: GpuBoard;
  /** This process' own view of processes, which is that of the nvidia-smi it starts. */
  readonly ownProcRoot: string;
  readonly nowSeconds: () => number;
}

export function createGpuMemoryProbe({ board, ownProcRoot, nowSeconds }: GpuMemoryOptions): Probe {
  return hostProbe(
    {
      name: "gpu-memory",
      title: "GPU memory without a process",
      reads:
        "what the gpu check got from nvidia-smi, and /proc: does the memory in use belong to processes that live",
      intervalSeconds: 30,
      timeoutSeconds: 30,
      rules: [
        {
          state: "degraded",
          when: `over ${byteText(ownMemoryBytes)} of a card are in use beyond what its living processes hold, in three runs in a row`,
          advice: "Find who holds the card (fuser -v /dev/nvidia*) and end it, else drain and reset the GPU.",
        },
        {
          state: "unknown",
          when: "such memory is there, and a container's own process numbers, MIG or the driver hide who holds it",
          advice: "Run the agent with the host's process numbers (hostPID, --pid=host).",
        },
        {
          state: "unknown",
          when: "nvidia-smi gave no answer; see the check gpu",
          advice: "What the check gpu says.",
        },
        {
          state: "not_applicable",
          when: "no NVIDIA hardware is here and none is expected",
          advice: "Nothing.",
        },
      ],
      cost: "a file of /proc for each process on a GPU; nvidia-smi is not run again",
      confirm: { raise: 3, clear: 1 },
      async check(signal) {
        const { report, absent, at } = await board.read(signal);
        if (absent)
          return {
            judgement: { state: "not_applicable", reason: "no NVIDIA GPU here and none is expected" },
          };
        if (report === null || nowSeconds() - at > staleSeconds)
          return {
            judgement: {
              state: "unknown",
              reason: "nvidia-smi gave no answer",
              action: "See the check gpu.",
            },
          };
        const view = await readProcessView(ownProcRoot, report.gpus, signal);
        const judgement = judgeGpuMemory(report.gpus, view);
        const measures = judgement.measures?.map((measure) => ({ ...measure, observedAt: at }));
        return { judgement: { ...judgement, measures: measures ?? [] } };
      },
    },
    nowSeconds,
  );
}

async function readProcessView(
  procRoot: string,
  cards: readonly GpuFacts[],
  signal: AbortSignal,
): Promise<ProcessView> {
  // The kernel's thread that starts its others has number 2 on a host, and shows in no container of its own numbers.
  const second = await readKernelFile(join(procRoot, "2/comm"), signal);
  if (second?.trim() !== "kthreadd") return { seesAll: false, gone: new Set() };
  const pids = new Set(cards.flatMap(({ processes }) => processes?.map(({ pid }) => pid) ?? []));
  const gone = new Set<number>();
  for (const pid of [...pids].slice(0, maxLookedAt)) {
    const state = parseProcessState((await readKernelFile(join(procRoot, `${pid}/stat`), signal)) ?? "");
    if (state === null || state.letter === "Z" || state.letter === "X") gone.add(pid);
  }
  return { seesAll: true, gone };
}
