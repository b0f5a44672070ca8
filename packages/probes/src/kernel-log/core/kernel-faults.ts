import type { GpuError } from "@ringrift/protocol";
import type { GpuRoster } from "../../nvidia/gpu-roster.ts";
import { clearedSubject, isDriverLoad } from "./clearing-line.ts";
import { createFaultBook, type Fault, type FaultBook, type KeptFault } from "./fault-book.ts";
import { gpuFault, tellsRecovered } from "./gpu-fault.ts";
import { type HostFaultKind, hostFault, hostFaultKinds, mountedDevice } from "./host-fault.ts";
import type { KernelLine } from "./kernel-line.ts";
import { createRecurrence, type Recurring } from "./recurrence.ts";
import { parseGpuIdentity, parseXidLine, type XidLine } from "./xid-line.ts";

/** How often each error of each card was written, over restarts of the agent and boots of the host. */
interface ErrorCount {
  readonly kind: XidLine["kind"];
  readonly busId: string;
  /** A number, or `other` past the bound. */
  readonly code: string;
  readonly count: number;
}

/** What outlives a restart of the agent; of another boot only counts, errors and recurrence do. */
export interface KernelMemory {
  readonly bootId: string;
  readonly gpuFaults: readonly KeptFault[];
  readonly hostFaults: readonly KeptFault[];
  readonly errors: readonly GpuError[];
  readonly errorCounts: readonly ErrorCount[];
  readonly kindCounts: Readonly<Record<string, number>>;
  readonly recurring: readonly Recurring[];
}

/** As many errors as are told of; older ones are in the event log. */
const maxErrors = 32;
const errorAgeSeconds = 86_400;
/** Series of one host's error counter. */
const maxCounts = 256;
/** While an error goes on and on, it is told again after this long. */
const retellSeconds = 600;
const maxTold = 1024;
/** Errors told in a minute over all cards; the rest is counted. */
const maxPerMinute = 20;

/** What the lines of the kernel log add up to. */
export interface KernelFaults {
  /** Takes the next line. @returns true when it told of a fault, so that it must not be forgotten. */
  take(line: KernelLine, nowSeconds: number): boolean;
  gpuFaults(nowSeconds: number): readonly KeptFault[];
  hostFaults(nowSeconds: number): readonly KeptFault[];
  /** The last errors of GPUs and switches, oldest first. */
  errors(nowSeconds: number): readonly GpuError[];
  errorCounts(): readonly ErrorCount[];
  kindCounts(): Readonly<Record<HostFaultKind, number>>;
  /** Closes a read: tells what is not over already, and ends the faults of cards whose driver wants nothing done any more. */
  settle(nowSeconds: number): void;
  /** Grows with each thing worth telling at once. */
  readonly news: { readonly gpu: number; readonly host: number };
  /** Lines that told of something, told on or not. */
  readonly counted: { readonly gpu: number; readonly host: number };
  /** Errors that were counted and not told, since the rate had its bound. */
  readonly untold: number;
  memory(): KernelMemory;
}

export function createKernelFaults(
  bootId: string,
  roster: GpuRoster,
  saved: KernelMemory | null = null,
): KernelFaults {
  const sameBoot = saved?.bootId === bootId;
  const gpuBook = createFaultBook(sameBoot ? saved.gpuFaults : []);
  const hostBook = createFaultBook(sameBoot ? saved.hostFaults : []);
  const recurrence = createRecurrence(saved?.recurring ?? []);
  let errors: readonly GpuError[] = (saved?.errors ?? []).map((error) => ({ ...error, toldBefore: true }));
  const counts = new Map(
    (saved?.errorCounts ?? []).slice(0, maxCounts).map((count) => [countKey(count), count]),
  );
  const kinds = new Map(hostFaultKinds.map((kind) => [kind, saved?.kindCounts[kind] ?? 0]));
  const told = new Map<string, number>();
  let tellings: number[] = [];
  let pending: { readonly key: string; readonly error: GpuError }[] = [];
  const news = { gpu: 0, host: 0 };
  const counted = { gpu: 0, host: 0 };
  let untold = 0;
  let caughtUp = false;

  function takeError(line: KernelLine, xid: XidLine, nowSeconds: number): void {
    const at = Math.min(line.at ?? nowSeconds, nowSeconds);
    countError(xid);
    counted.gpu += 1;
    const fault = recurrence.judge(gpuFault(xid), line.bootId, at);
    // Of an application that crashed days before the agent was first started nobody needs to hear.
    if (nowSeconds - at > fault.windowSeconds) return;
    if (tellsRecovered(xid)) endReset(gpuBook, xid.busId);
    const { count } = gpuBook.note(fault, line.bootId, at);
    // It begins, or begins again after it was over: what was told of it before is another story.
    if (count === 1) forgetTold(fault);
    prepare(line, xid, fault, at, nowSeconds);
  }

  function forgetTold({ key, action }: Fault): void {
    told.delete(`${key}/${action}`);
    pending = pending.filter((item) => item.key !== key);
  }

  function prepare(line: KernelLine, xid: XidLine, fault: Fault, at: number, nowSeconds: number): void {
    const toldKey = `${fault.key}/${fault.action}`;
    const before = told.get(toldKey);
    if (before !== undefined && nowSeconds - before < retellSeconds) return;
    if (told.size >= maxTold) told.clear();
    told.set(toldKey, nowSeconds);
    const { uuid } = roster.labels(xid.busId);
    const error: GpuError = {
      id: `${line.bootId}/${line.position}`,
      gpu: xid.busId,
      ...(uuid === "" ? {} : { uuid }),
      xid: xid.kind === "xid" ? xid.code : null,
      sxid: xid.kind === "sxid" ? xid.code : null,
      severity: fault.severity,
      reason: fault.reason,
      action: fault.advice,
      bootId: line.bootId,
      at,
      foundAt: nowSeconds,
      toldBefore: false,
    };
    pending.push({ key: fault.key, error });
  }

  /** What was reset or cleared later in the same read is no news. */
  function tellPending(nowSeconds: number): void {
    const current = new Set(gpuBook.current(nowSeconds).map((fault) => fault.key));
    for (const { key, error } of pending) {
      if (!current.has(key)) continue;
      tellings = tellings.filter((time) => nowSeconds - time < 60);
      if (tellings.length >= maxPerMinute) {
        untold += 1;
        continue;
      }
      tellings.push(nowSeconds);
      news.gpu += 1;
      errors = [...errors, error].slice(-maxErrors);
    }
    pending = [];
  }

  function countError(xid: XidLine): void {
    const { kind, busId } = xid;
    let key = countKey({ kind, busId, code: String(xid.code) });
    if (!counts.has(key) && counts.size >= maxCounts - 1)
      key = countKey({ kind, busId: "other", code: "other" });
    const known = counts.get(key);
    const [, ofBus = "", code = ""] = key.split("|");
    counts.set(key, { kind, busId: ofBus, code, count: (known?.count ?? 0) + 1 });
  }

  function takeHostFault(line: KernelLine, nowSeconds: number): boolean {
    const fault = hostFault(line.message);
    if (fault === null) return false;
    const { kind, ...rest } = fault;
    const at = Math.min(line.at ?? nowSeconds, nowSeconds);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    counted.host += 1;
    if (nowSeconds - at > fault.windowSeconds) return true;
    const kept = hostBook.note(rest, line.bootId, at);
    if (kept.count === kept.needed) news.host += 1;
    return true;
  }

  function takeEnd({ message }: KernelLine): boolean {
    const cleared = clearedSubject(message);
    const device = mountedDevice(message);
    if (cleared !== null) {
      const isOver = ({ subject }: KeptFault): boolean => cleared === "all" || subject === cleared;
      gpuBook.end(isOver);
      hostBook.end(isOver);
    } else if (isDriverLoad(message)) endReset(gpuBook, null);
    else if (device !== null) hostBook.end(({ key }) => key === `read_only/${device}`);
    else return false;
    news.gpu += 1;
    news.host += 1;
    return true;
  }

  return {
    take: (line, nowSeconds) => {
      const identity = parseGpuIdentity(line.message);
      if (identity !== null) roster.introduce(identity.busId, identity.uuid);
      const xid = parseXidLine(line.message);
      if (xid === null) return takeEnd(line) || takeHostFault(line, nowSeconds);
      takeError(line, xid, nowSeconds);
      return true;
    },
    gpuFaults: (nowSeconds) => gpuBook.current(nowSeconds),
    hostFaults: (nowSeconds) => hostBook.current(nowSeconds),
    errors: (nowSeconds) => {
      errors = errors.filter((error) => nowSeconds - error.at <= errorAgeSeconds);
      return errors;
    },
    errorCounts: () => [...counts.values()],
    kindCounts: () => Object.fromEntries(kinds) as Record<HostFaultKind, number>,
    settle: (nowSeconds) => {
      tellPending(nowSeconds);
      // What was told while catching up with the log says nothing of what happens from now on.
      if (!caughtUp) told.clear();
      caughtUp = true;
      gpuBook.end(
        ({ action, subject, lastAt }) =>
          action === "reset_gpu" && roster.isAtPeace(subject, lastAt, nowSeconds),
      );
    },
    news,
    counted,
    get untold() {
      return untold + gpuBook.dropped + hostBook.dropped;
    },
    memory: () => ({
      bootId,
      gpuFaults: gpuBook.all(),
      hostFaults: hostBook.all(),
      errors,
      errorCounts: [...counts.values()],
      kindCounts: Object.fromEntries(kinds),
      recurring: recurrence.all(),
    }),
  };
}

/** A reset ends what asked for one, and what ran on the card; null is every card. */
function endReset(book: FaultBook, busId: string | null): void {
  book.end(
    ({ action, subject }) =>
      (busId === null || subject === busId) && (action === "reset_gpu" || action === "restart_app"),
  );
}

function countKey({ kind, busId, code }: Omit<ErrorCount, "count">): string {
  return `${kind}|${busId}|${code}`;
}
