import { join } from "node:path";
import type { Judgement, Measure } from "../judgement.ts";
import { requireKernelFile } from "../kernel-file.ts";
import { fieldsOf, parseCount } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { badInput } from "../probe-error.ts";
import { hostProbe } from "./host-probe.ts";
import { sampler } from "./sample.ts";

/** Counters of one block device since boot. */
export interface DiskCounters {
  readonly reads: number;
  readonly bytesRead: number;
  readonly readMs: number;
  readonly writes: number;
  readonly bytesWritten: number;
  readonly writeMs: number;
  /** Requests that wait now. */
  readonly inFlight: number;
  readonly busyMs: number;
}

export interface DiskSample {
  readonly disks: ReadonlyMap<string, DiskCounters>;
  readonly atSeconds: number;
}

/** The kernel counts sectors of 512 bytes whatever the disk's own are. */
const sectorBytes = 512;
/** Mean time of a request from which a disk is slow, and how many it takes to say so. */
const slow = { seconds: 0.5, requests: 20 };
/** A disk that finishes nothing for this long while requests wait has stalled. */
const stalledSeconds = 5;
const maxDisks = 64;

// Parts of disks, memory and images: what they do shows on the disk below them.
const noDisk =
  /^(?:loop|ram|zram|sr|fd)\d|^(?:sd|vd|hd|xvd)[a-z]+\d|^(?:nvme\d+n\d+|mmcblk\d+)p\d|^nvme\d+c\d/;

const deviceName = /^\s*\d+\s+\d+\s+(\S+)\s/;

/** @throws ProbeError when no line has the form of /proc/diskstats. */
export function parseDisks(text: string): Map<string, DiskCounters> {
  const disks = new Map<string, DiskCounters>();
  let lines = 0;
  for (const line of text.split("\n")) {
    const name = deviceName.exec(line)?.[1];
    if (name === undefined || (lines > 0 && noDisk.test(name))) continue;
    const fields = fieldsOf(line).slice(3);
    const numbers = fields.slice(0, 10).map(parseCount);
    if (numbers.length < 10 || numbers.includes(null)) continue;
    lines += 1;
    const [
      reads = 0,
      ,
      sectorsRead = 0,
      readMs = 0,
      writes = 0,
      ,
      sectorsWritten = 0,
      writeMs = 0,
      inFlight = 0,
      busyMs = 0,
    ] = numbers.map((value) => value ?? 0);
    if (noDisk.test(name) || reads + writes === 0 || disks.size >= maxDisks) continue;
    disks.set(name, {
      reads,
      bytesRead: sectorsRead * sectorBytes,
      readMs,
      writes,
      bytesWritten: sectorsWritten * sectorBytes,
      writeMs,
      inFlight,
      busyMs,
    });
  }
  if (lines === 0 && text.trim() !== "")
    throw badInput("/proc/diskstats", "lines of a device and ten or more counters");
  return disks;
}

/** Judges what each disk did between two samples; a disk that is merely busy does its work. */
export function judgeDiskIo(before: DiskSample, after: DiskSample): Judgement {
  if (after.disks.size === 0)
    return { state: "not_applicable", reason: "no block device has been used here" };
  const seconds = after.atSeconds - before.atSeconds;
  const slowDisks: string[] = [];
  const stalled: string[] = [];
  const measures: Measure[] = [];
  for (const [disk, now] of after.disks) {
    const then = before.disks.get(disk);
    const work = then === undefined ? null : workBetween(then, now);
    measures.push(...measuresOf(disk, now, work, seconds));
    if (then === undefined || work === null) continue;
    if (work.requests === 0 && then.inFlight > 0 && now.inFlight > 0 && seconds >= stalledSeconds)
      stalled.push(
        `${disk}: ${now.inFlight} requests wait and none was finished in ${Math.round(seconds)} s`,
      );
    else if (work.requests >= slow.requests && work.meanSeconds > slow.seconds)
      slowDisks.push(`${disk}: a request takes ${work.meanSeconds.toFixed(1)} s on average`);
  }
  const findings = [...stalled, ...slowDisks];
  if (findings.length === 0)
    return {
      state: "healthy",
      reason: `${after.disks.size === 1 ? "the disk answers" : `${after.disks.size} disks answer`} in time`,
      measures,
    };
  return {
    state: stalled.length > 0 ? "unhealthy" : "degraded",
    reason: findings.join("; "),
    action:
      "Read dmesg for I/O errors and the disk's own health (smartctl -a, nvme smart-log), then look for who writes (iotop).",
    details: { stalled, slow: slowDisks },
    measures,
  };
}

interface Work {
  readonly requests: number;
  readonly meanSeconds: number;
  readonly busyMs: number;
}

/** Null when a counter went back, as after a device was replaced. */
function workBetween(then: DiskCounters, now: DiskCounters): Work | null {
  const requests = now.reads - then.reads + now.writes - then.writes;
  const waitedMs = now.readMs - then.readMs + now.writeMs - then.writeMs;
  const busyMs = now.busyMs - then.busyMs;
  if (requests < 0 || waitedMs < 0 || busyMs < 0) return null;
  return { requests, meanSeconds: requests === 0 ? 0 : waitedMs / requests / 1000, busyMs };
}

function measuresOf(disk: string, now: DiskCounters, work: Work | null, seconds: number): Measure[] {
  const labels = { disk };
  const idle = work !== null && work.requests === 0 ? { absence: "not_applicable" as const } : {};
  return [
    { name: "disk_read_bytes_total", labels, value: now.bytesRead },
    { name: "disk_written_bytes_total", labels, value: now.bytesWritten },
    { name: "disk_reads_completed_total", labels, value: now.reads },
    { name: "disk_writes_completed_total", labels, value: now.writes },
    { name: "disk_requests_in_flight", labels, value: now.inFlight },
    {
      name: "disk_request_mean_seconds",
      labels,
      value: work === null || work.requests === 0 ? null : work.meanSeconds,
      ...idle,
    },
    {
      name: "disk_busy_ratio",
      labels,
      value: work === null || seconds <= 0 ? null : Math.min(1, work.busyMs / 1000 / seconds),
    },
  ];
}

export function createDiskIoProbe(procRoot: string, nowSeconds: () => number): Probe {
  const read = sampler<DiskSample>(async (signal) => ({
    disks: parseDisks(await requireKernelFile(join(procRoot, "diskstats"), signal)),
    atSeconds: nowSeconds(),
  }));
  return hostProbe(
    {
      name: "disk-io",
      title: "Disk latency",
      reads: "/proc/diskstats, twice: how long requests take, per disk",
      intervalSeconds: 15,
      timeoutSeconds: 5,
      rules: [
        {
          state: "unhealthy",
          when: `requests wait and none was finished for ${stalledSeconds} s or longer`,
          advice: "Read dmesg for I/O errors; drain the host, the disk or its controller hangs.",
        },
        {
          state: "degraded",
          when: `a request takes over ${slow.seconds} s on average, over at least ${slow.requests} requests`,
          advice: "Look at the disk's own health (smartctl -a, nvme smart-log) and at who writes (iotop).",
        },
      ],
      cost: "under 0.1 ms",
      confirm: { raise: 2, clear: 2 },
      async check(signal) {
        const { before, after } = await read(signal);
        return { judgement: judgeDiskIo(before, after) };
      },
    },
    nowSeconds,
  );
}
