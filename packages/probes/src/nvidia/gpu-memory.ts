// core: pure
import { type SignalState, worstSignal } from "@ringrift/protocol";
import { byteText, type Judgement, type Measure } from "../judgement.ts";
import { cardReasons } from "./card-reasons.ts";
import type { GpuFacts } from "./smi-parse.ts";

/** What a card and its driver use for themselves stays below this. */
export const ownMemoryBytes: number = 2 * 1024 ** 3;
const maxPidsTold = 8;

/** What the host knows of the processes that the driver lists. */
export interface ProcessView {
  /** False in a container with process numbers of its own: the driver then lists none of the others. */
  readonly seesAll: boolean;
  /** Those that were listed and are not there any more, or have ended and were not collected. */
  readonly gone: ReadonlySet<number>;
}

interface CardVerdict {
  readonly state: SignalState;
  readonly reason: string;
  /** Memory in use that belongs to no living process; null when nobody can say. */
  readonly unownedBytes: number | null;
}

/** Judges the memory of all cards: what is in use should belong to a process that lives. */
export function judgeGpuMemory(cards: readonly GpuFacts[], view: ProcessView): Judgement {
  const judged = cards.map((facts) => ({ facts, verdict: judgeCard(facts, view) }));
  const bad = judged.filter(({ verdict }) => verdict.state !== "healthy");
  const state = judged.length === 0 ? "unknown" : worstSignal(judged.map(({ verdict }) => verdict.state));
  return {
    state,
    reason:
      bad.length > 0
        ? cardReasons(bad.map(({ facts, verdict }) => ({ ...facts, reason: verdict.reason }))).join("; ")
        : `what is in use on ${judged.length} ${judged.length === 1 ? "GPU" : "GPUs"} has its process`,
    ...(bad.length > 0 ? { action: state === "degraded" ? findHolder : seeAll } : {}),
    details: {
      seesAll: view.seesAll,
      gone: [...view.gone].slice(0, maxPidsTold),
      unownedBytes: judged.map(({ facts, verdict }) => ({ busId: facts.busId, bytes: verdict.unownedBytes })),
    },
    measures: judged.map(
      ({ facts: { index, uuid }, verdict }): Measure => ({
        name: "gpu_memory_unowned_bytes",
        labels: { gpu: String(index), uuid },
        value: verdict.unownedBytes,
      }),
    ),
  };
}

const findHolder =
  "Look for who holds the card (fuser -v /dev/nvidia*; ps -eo state,pid,cmd | grep '^[DZ]'), end it, else drain and reset the GPU.";
const seeAll = "Run the agent with the host's process numbers (hostPID in Kubernetes, --pid=host in docker).";

function judgeCard(facts: GpuFacts, { seesAll, gone }: ProcessView): CardVerdict {
  const { processes, memoryUsedBytes, migEnabled, virtualization, fault } = facts;
  const used = memoryUsedBytes.value;
  const unknown = (reason: string): CardVerdict => ({ state: "unknown", reason, unownedBytes: null });
  if (fault !== null) return unknown("it does not answer");
  if (used === null) return unknown("its memory in use is not known");
  if (used <= ownMemoryBytes) return { state: "healthy", reason: "", unownedBytes: 0 };
  if (isSharedOut(virtualization)) return { state: "healthy", reason: "", unownedBytes: null };
  const living = processes?.filter(({ pid }) => !gone.has(pid)) ?? [];
  const sizes = living.map(({ memoryBytes }) => memoryBytes.value);
  const ofUnknownSize = sizes.includes(null);
  const owned = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  const left = Math.max(0, used - owned);
  // A process of unknown size may be the owner of it all.
  if (ofUnknownSize || left <= ownMemoryBytes)
    return { state: "healthy", reason: "", unownedBytes: ofUnknownSize ? null : left };
  const text = `${byteText(left)} in use belong to no process`;
  if (processes === null)
    return unknown(`${byteText(used)} are in use and the driver lists no processes here`);
  if (migEnabled) return unknown(`${text} that is listed, and with MIG not all are`);
  if (!seesAll) return unknown(`${text} that this container can see`);
  const ended = processes.length - living.length > 0 ? " (those listed have ended)" : "";
  return { state: "degraded", reason: `${text}${ended}`, unownedBytes: left };
}

/** The host of virtual GPUs: its memory belongs to guests, whose processes nobody here sees. */
function isSharedOut(virtualization: string | null): boolean {
  return virtualization !== null && /^host v/i.test(virtualization);
}
