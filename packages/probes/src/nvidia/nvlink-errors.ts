// core: pure
import type { Measure } from "../judgement.ts";

/** Counters as `nvidia-smi nvlink -e` names them: three on cards up to Hopper, the others from NVLink 5 (Blackwell) on. */
const kinds = {
  "replay errors": "replay",
  "recovery errors": "recovery",
  "crc errors": "crc",
  "malformed packet errors": "malformed_packet",
  "buffer overrun errors": "buffer_overrun",
  "rx errors": "receive",
  "rx remote errors": "receive_remote",
  "rx general errors": "receive_general",
  "local link integrity errors": "link_integrity",
  "tx discards": "transmit_discard",
  "link recovery successful events": "recovery_successful",
  "link recovery failed events": "recovery_failed",
  "effective errors": "effective",
  "symbol errors": "symbol",
} as const;
export type NvlinkErrorKind = (typeof kinds)[keyof typeof kinds];

/** Errors of each link of a card by kind. */
export type LinkErrors = ReadonlyMap<number, Readonly<Partial<Record<NvlinkErrorKind, number>>>>;

const maxGpus = 64;
const maxLinks = 64;
const gpuLine = /^GPU \d+: .*\(UUID: (GPU-[0-9a-f-]+)\)/;
const counterLine = /^\s*Link (\d{1,2}): ([A-Za-z][A-Za-z ]{1,40}): (\d{1,15})\s*$/;

/**
 * Counters of each card's links, by UUID. Another name is passed over, as are sums of others and the buckets of forward error
 * correction, the first of which counts what was right.
 */
export function parseNvlinkErrors(output: string): ReadonlyMap<string, LinkErrors> {
  const gpus = new Map<string, Map<number, Partial<Record<NvlinkErrorKind, number>>>>();
  let links: Map<number, Partial<Record<NvlinkErrorKind, number>>> | undefined;
  for (const line of output.split(/\r?\n/)) {
    const uuid = gpuLine.exec(line)?.[1];
    if (uuid !== undefined) {
      links = gpus.size < maxGpus ? new Map() : undefined;
      if (links !== undefined) gpus.set(uuid, links);
      continue;
    }
    const [, number, name = "", count] = counterLine.exec(line) ?? [];
    const kind = kindOf(name.toLowerCase());
    if (links === undefined || number === undefined || kind === null) continue;
    const link = Number(number);
    if (links.size >= maxLinks && !links.has(link)) continue;
    links.set(link, { ...links.get(link), [kind]: Number(count) });
  }
  return gpus;
}

function kindOf(name: string): NvlinkErrorKind | null {
  return Object.hasOwn(kinds, name) ? kinds[name as keyof typeof kinds] : null;
}

/** One series for each kind: the sum over the card's links, or a card of 18 links would bring two hundred. */
export function nvlinkErrorMeasures(
  links: LinkErrors,
  labels: Readonly<Record<string, string>>,
  observedAt: number,
): Measure[] {
  const sums = new Map<NvlinkErrorKind, number>();
  for (const counters of links.values())
    for (const [kind, count] of Object.entries(counters) as [NvlinkErrorKind, number][])
      sums.set(kind, (sums.get(kind) ?? 0) + count);
  return [...sums].map(([kind, value]) => ({
    name: "gpu_nvlink_errors_total",
    labels: { ...labels, kind },
    value,
    observedAt,
  }));
}

/** What grew between two answers, for people; null when nothing did. A counter that went back was reset, and says nothing. */
export function grownErrors(
  before: LinkErrors,
  after: LinkErrors,
  isMeant: (kind: NvlinkErrorKind) => boolean,
): string | null {
  const grown: string[] = [];
  for (const [link, counters] of after)
    for (const [kind, count] of Object.entries(counters) as [NvlinkErrorKind, number][]) {
      const more = count - (before.get(link)?.[kind] ?? count);
      if (more > 0 && isMeant(kind)) grown.push(`NVLink ${link}: ${more} ${kind.replaceAll("_", " ")}`);
    }
  return grown.length === 0 ? null : grown.slice(0, maxTold).join(", ");
}

const maxTold = 8;
