// core: pure
import type { Measure } from "../judgement.ts";
import { grownErrors, type LinkErrors, nvlinkErrorMeasures, parseNvlinkErrors } from "./nvlink-errors.ts";

interface Nvlink {
  readonly link: number;
  readonly active: boolean;
  readonly bytesPerSecond: number;
}

const maxGpus = 64;
const maxLinks = 64;
const gpuLine = /^GPU \d+: .*\(UUID: (GPU-[0-9a-f-]+)\)/;
const linkLine = /^\s*Link (\d{1,2}): (?:(\d+(?:\.\d+)?) GB\/s|<?(inactive|disabled)>?)\s*$/i;

/** Links of each card, by UUID, as `nvidia-smi nvlink -s` prints them; a line of another form is passed over. */
export function parseNvlinks(output: string): ReadonlyMap<string, readonly Nvlink[]> {
  const gpus = new Map<string, Nvlink[]>();
  let links: Nvlink[] | undefined;
  for (const line of output.split(/\r?\n/)) {
    const uuid = gpuLine.exec(line)?.[1];
    if (uuid !== undefined) {
      links = gpus.size < maxGpus ? [] : undefined;
      if (links !== undefined) gpus.set(uuid, links);
    }
    const match = linkLine.exec(line);
    if (match === null || links === undefined || links.length >= maxLinks) continue;
    const speed = match[2] === undefined ? 0 : Number(match[2]) * 1e9;
    links.push({ link: Number(match[1]), active: match[2] !== undefined, bytesPerSecond: speed });
  }
  return gpus;
}

/** What is known of the NVLinks of a host's cards, and which links each card once had. */
export interface NvlinkWatch {
  take(output: string, observedAt: number): void;
  /** What `nvidia-smi nvlink -e` printed; null when it failed. */
  takeErrors(output: string | null, observedAt: number): void;
  /** Forgets the last answer, so that an old one does not pass for a new one; not which links there were. */
  lose(): void;
  /** False once it is known that no card here has a link. */
  readonly worthAsking: boolean;
  /**
   * Links of a card that were active before and are not now, and those that failed to recover since the answer before; null
   * when there are none, or nobody knows.
   */
  fault(uuid: string): string | null;
  measures(labels: { readonly gpu: string; readonly uuid: string }): Measure[];
}

export function createNvlinkWatch(): NvlinkWatch {
  const once = new Map<string, Set<number>>();
  let current: ReadonlyMap<string, readonly Nvlink[]> = new Map();
  let takenAt = 0;
  let errors: ReadonlyMap<string, LinkErrors> = new Map();
  let errorsBefore: ReadonlyMap<string, LinkErrors> = new Map();
  let errorsTakenAt = 0;
  const lostLinks = (uuid: string): string | null => {
    const links = current.get(uuid);
    const before = once.get(uuid);
    if (links === undefined || before === undefined) return null;
    const lost = links.filter(({ link, active }) => !active && before.has(link)).map(({ link }) => link);
    return lost.length === 0 ? null : `NVLink ${lost.join(", ")} went down`;
  };
  const failedLinks = (uuid: string): string | null => {
    const [before, after] = [errorsBefore.get(uuid), errors.get(uuid)];
    if (before === undefined || after === undefined) return null;
    return grownErrors(before, after, (kind) => kind === "recovery_failed");
  };
  let worthAsking = true;
  return {
    take: (output, observedAt) => {
      current = parseNvlinks(output);
      takenAt = observedAt;
      for (const [uuid, links] of current) {
        const seen = once.get(uuid) ?? new Set();
        for (const { link, active } of links) if (active) seen.add(link);
        if (once.has(uuid) || once.size < maxGpus) once.set(uuid, seen);
      }
      // Asked again while a card may come back with its links.
      worthAsking =
        [...once.values()].some((links) => links.size > 0) || [...current.values()].some((l) => l.length > 0);
    },
    takeErrors: (output, observedAt) => {
      if (errors.size > 0) errorsBefore = errors;
      errors = output === null ? new Map() : parseNvlinkErrors(output);
      errorsTakenAt = observedAt;
    },
    lose: () => {
      current = new Map();
      errors = new Map();
    },
    get worthAsking() {
      return worthAsking;
    },
    fault: (uuid) => {
      const faults = [lostLinks(uuid), failedLinks(uuid)].filter((fault) => fault !== null);
      return faults.length === 0 ? null : faults.join("; ");
    },
    measures: (labels) => {
      const links = current.get(labels.uuid) ?? [];
      const counted = nvlinkErrorMeasures(errors.get(labels.uuid) ?? new Map(), labels, errorsTakenAt);
      if (links.length === 0) return counted;
      const total = links.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0);
      return [
        ...links.map(({ link, active }) => ({
          name: "gpu_nvlink_active",
          labels: { ...labels, link: String(link) },
          value: active ? 1 : 0,
          observedAt: takenAt,
        })),
        { name: "gpu_nvlink_bytes_per_second", labels, value: total, observedAt: takenAt },
        ...counted,
      ];
    },
  };
}
