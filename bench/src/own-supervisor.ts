import { fork } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { createDaemonManager, readDefinitions } from "@ringrift/daemon-supervisor";
import { sleep } from "./timed.ts";

/** What the supervisor's process says of itself. */
export interface OwnUsage {
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly descriptors: number;
  readonly listeners: number;
  /** Event loop delay since the usage before, 99th percentile. */
  readonly lagP99Ms: number;
  readonly running: number;
  readonly pids: readonly number[];
}

export type Act = "start" | "stop" | "cycle" | "usage" | "close";

/** Our supervisor in a process of its own, as an agent has it. */
export class OwnSupervisor {
  readonly #child: ReturnType<typeof fork>;
  readonly #waiting = new Map<number, (answer: OwnUsage) => void>();
  #next = 0;

  constructor(stateDir: string, daemons: readonly Readonly<Record<string, unknown>>[]) {
    this.#child = fork(fileURLToPath(import.meta.url), [stateDir], { execArgv: ["--expose-gc"] });
    this.#child.send(daemons);
    this.#child.on("message", ({ id, usage }: { readonly id: number; readonly usage: OwnUsage }) => {
      this.#waiting.get(id)?.(usage);
      this.#waiting.delete(id);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** `count` is of cycles of a start and a stop. */
  ask(act: Act, daemon = "", count = 1): Promise<OwnUsage> {
    this.#next += 1;
    const id = this.#next;
    this.#child.send({ id, act, daemon, count });
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  async close(): Promise<void> {
    await this.ask("close");
    this.#child.disconnect();
  }
}

/** Our supervisor over `daemons`, once all of them run, in a folder that goes with it. */
export async function withOwn<T>(
  daemons: readonly Record<string, unknown>[],
  measure: (supervisor: OwnSupervisor) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "bench-supervisor-"));
  const supervisor = new OwnSupervisor(folder, daemons);
  try {
    while ((await supervisor.ask("usage")).running < daemons.length) await sleep(100);
    return await measure(supervisor);
  } finally {
    await supervisor.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve(process.argv[2] ?? "");

async function serve(stateDir: string): Promise<void> {
  const daemons: unknown = await new Promise((resolve) => process.once("message", resolve));
  const { definitions, problems } = readDefinitions({ daemons });
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const manager = createDaemonManager({
    definitions,
    nodeId: "bench",
    onEvent: () => undefined,
    log: (level, text) => level === "error" && console.error(text),
    stateDir,
    // The burst at start is no restart.
    fleet: { restartsAtStart: 1000 },
  });
  const lag = monitorEventLoopDelay({ resolution: 1 });
  lag.enable();
  await manager.start();
  const acts: Readonly<Record<Act, (daemon: string, count: number) => Promise<unknown>>> = {
    start: (daemon) => manager.startDaemon(daemon),
    stop: (daemon) => manager.stopDaemon(daemon),
    usage: async () => undefined,
    close: () => manager.stop(),
    cycle: async (daemon, count) => {
      for (let i = 0; i < count; i += 1) {
        await manager.startDaemon(daemon);
        await manager.stopDaemon(daemon);
      }
    },
  };
  const usage = (): OwnUsage => {
    const lagP99Ms = lag.percentile(99) / 1e6;
    lag.reset();
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    const all = manager.daemons();
    return {
      heapBytes: heapUsed,
      residentBytes: rss,
      descriptors: readdirSync("/proc/self/fd").length,
      listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
      lagP99Ms,
      running: all.filter(({ state }) => state === "running").length,
      pids: all.flatMap(({ pid }) => (pid === null ? [] : [pid])),
    };
  };
  process.on(
    "message",
    ({ id, act, daemon, count }: { id: number; act: Act; daemon: string; count: number }) => {
      void acts[act](daemon, count).then(() => process.send?.({ id, usage: usage() }));
    },
  );
}
