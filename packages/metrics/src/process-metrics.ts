import { readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type MetricFamily, singleValue } from "./metric-family.ts";

const usualResolutionMs = 100;
const lagWindowMs = 30_000;

/**
 * Our own small set of process metrics; prom-client's defaults do not pass promtool. Reads happen in `families`, are
 * synchronous and take well under a millisecond. Call `stop` at the end.
 */
export class ProcessMetrics {
  readonly #program: string;
  readonly #version: string;
  readonly #startTimeSeconds = Date.now() / 1000 - process.uptime();
  readonly #delay: ReturnType<typeof monitorEventLoopDelay>;
  readonly #resolutionMs: number;
  #windowStartedMs = performance.now();
  #lastWindowMaxMs: number | null = null;

  /**
   * `program` and `version` are shown in `ringrift_build_info`.
   * @param resolutionMs How often the event loop is looked at; each look wakes the process.
   */
  constructor(program: string, version: string, resolutionMs: number = usualResolutionMs) {
    this.#resolutionMs = resolutionMs;
    this.#delay = monitorEventLoopDelay({ resolution: resolutionMs });
    this.#program = program;
    this.#version = version;
    this.#delay.enable();
  }

  families(): MetricFamily[] {
    const cpu = process.cpuUsage();
    const families = [
      singleValue(
        "process_cpu_seconds_total",
        "counter",
        "User and system CPU time of this process.",
        (cpu.user + cpu.system) / 1e6,
      ),
      singleValue(
        "process_resident_memory_bytes",
        "gauge",
        "Resident memory of this process.",
        process.memoryUsage.rss(),
      ),
      singleValue(
        "process_start_time_seconds",
        "gauge",
        "Start of this process since the Unix epoch.",
        this.#startTimeSeconds,
      ),
      info("nodejs_version_info", "Node.js that runs this process.", { version: process.version }),
      info("ringrift_build_info", "What this process is.", {
        program: this.#program,
        version: this.#version,
      }),
    ];
    const openFds = countOpenFds();
    if (openFds !== null) {
      families.push(
        singleValue("process_open_fds", "gauge", "Open file descriptors of this process.", openFds),
      );
    }
    const lagSeconds = this.eventLoopLagSeconds();
    if (lagSeconds !== null) {
      const help =
        "Longest delay of the event loop in the last minute, or since the scrape before where that is longer.";
      families.push(singleValue("ringrift_event_loop_lag_seconds", "gauge", help, lagSeconds));
    }
    return families;
  }

  /** The longest delay of the event loop in the last half to whole minute, in seconds; null before the first sample. */
  eventLoopLagSeconds(): number | null {
    // The histogram records the time between two firings, so the interval itself is no lag.
    const currentMs =
      this.#delay.count === 0 ? null : Math.max(0, this.#delay.max / 1e6 - this.#resolutionMs);
    const lastMs = this.#lastWindowMaxMs;
    const nowMs = performance.now();
    if (currentMs !== null && nowMs - this.#windowStartedMs >= lagWindowMs) {
      this.#lastWindowMaxMs = currentMs;
      this.#windowStartedMs = nowMs;
      this.#delay.reset();
    }
    if (currentMs === null) return lastMs === null ? null : lastMs / 1000;
    return Math.max(currentMs, lastMs ?? 0) / 1000;
  }

  stop(): void {
    this.#delay.disable();
  }
}

function info(name: string, help: string, labels: Readonly<Record<string, string>>): MetricFamily {
  return { name, type: "info", help, samples: [{ labels, value: 1 }] };
}

/** Null where /proc is not there, as on macOS. */
function countOpenFds(): number | null {
  try {
    // One of them is the listing's own.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return null;
  }
}
