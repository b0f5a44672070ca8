import type { EventOccurrence } from "@ringrift/protocol";
import { afterEach, beforeEach, vi } from "vitest";
import type { DaemonDefinition } from "./definition/definition.ts";
import { defineService } from "./definition/definition-reader.ts";
import { createDaemonManager } from "./manager.ts";
import type { DaemonManager, DaemonManagerOptions } from "./manager-options.ts";
import type { InProcessService } from "./runner/in-process-service.ts";

/** A daemon that does as it is told, in virtual time: whole scenarios run without a process. */
export class Scripted implements InProcessService {
  readonly name: string;
  readonly #trace: string[];
  /** Monotonic times of its starts. */
  readonly starts: number[] = [];
  /** How long `start` takes; for ever when infinite. */
  startMs: number = 0;
  stopMs: number = 0;
  /** Dies by itself this long after it started. */
  livesMs: number = Number.POSITIVE_INFINITY;
  well: boolean = true;
  #fail: (error: unknown) => void = () => undefined;
  #death: NodeJS.Timeout | undefined;

  constructor(name: string, trace: string[]) {
    this.name = name;
    this.#trace = trace;
  }

  async start(fail: (error: unknown) => void): Promise<void> {
    this.#fail = fail;
    this.starts.push(performance.now());
    this.#trace.push(`start ${this.name}`);
    if (this.startMs > 0) await pause(this.startMs);
    if (Number.isFinite(this.livesMs)) this.#death = setTimeout(() => this.crash(), this.livesMs);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#death);
    if (this.stopMs > 0) await pause(this.stopMs);
    this.#trace.push(`stop ${this.name}`);
  }

  healthCheck(): boolean {
    return this.well;
  }

  crash(): void {
    this.#trace.push(`crash ${this.name}`);
    this.#fail(new Error("crashed"));
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (Number.isFinite(ms)) setTimeout(resolve, ms);
  });
}

/** Scripted daemons under a real manager, on a virtual clock. */
export class VirtualFleet {
  readonly trace: string[] = [];
  readonly events: EventOccurrence[] = [];
  readonly #services = new Map<string, Scripted>();
  readonly #definitions: DaemonDefinition[] = [];
  #manager: DaemonManager | null = null;

  add(name: string, options: Readonly<Record<string, unknown>> = {}): Scripted {
    const service = new Scripted(name, this.trace);
    this.#services.set(name, service);
    this.#definitions.push(defineService({ ...options, name }, service));
    return service;
  }

  /** Puts daemons into a group, which a service defined alone has not. */
  group(name: string, strategy: "one_for_one" | "one_for_all" | "rest_for_one"): void {
    for (const [i, definition] of this.#definitions.entries())
      this.#definitions[i] = { ...definition, group: { name, strategy } };
  }

  get definitions(): readonly DaemonDefinition[] {
    return this.#definitions;
  }

  get manager(): DaemonManager {
    if (this.#manager === null) throw new Error("not started");
    return this.#manager;
  }

  async start(options: Partial<DaemonManagerOptions> = {}): Promise<DaemonManager> {
    this.#manager = createDaemonManager({
      definitions: this.#definitions,
      nodeId: "n1",
      onEvent: (event) => this.events.push(event),
      log: () => undefined,
      random: () => 0.5,
      ...options,
    });
    await this.#manager.start();
    await pass(0);
    return this.#manager;
  }

  state(name: string): string {
    return this.manager.daemons().find((daemon) => daemon.name === name)?.state ?? "none";
  }

  names(daemon: string): string[] {
    return this.events
      .filter((event) => "daemon" in event.data && event.data.daemon === daemon)
      .map((event) => event.name);
  }
}

/** Lets virtual time pass. */
export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** Every test of the file runs on a virtual clock. */
export function useVirtualTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"],
      now: Date.UTC(2026, 0, 1),
    });
  });
  afterEach(() => vi.useRealTimers());
}
