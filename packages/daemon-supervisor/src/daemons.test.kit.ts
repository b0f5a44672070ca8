import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DaemonHealth, EventOccurrence } from "@ringrift/protocol";
import { afterEach, beforeEach, expect, vi } from "vitest";
import type { DaemonDefinition } from "./definition/definition.ts";
import { readDefinitions } from "./definition/definition-reader.ts";
import { createDaemonManager } from "./manager.ts";
import type { DaemonManager, DaemonManagerOptions } from "./manager-options.ts";

type Daemon = Readonly<Record<string, unknown>>;

/** Real programs under a real manager, one for each test. */
export class RealDaemons {
  /** A folder of the test's own. */
  folder = "";
  events: EventOccurrence[] = [];
  told: string[] = [];
  #manager: DaemonManager | null = null;

  create(daemons: readonly Daemon[], options: Partial<DaemonManagerOptions> = {}): DaemonManager {
    this.#manager = createDaemonManager({
      definitions: define(daemons),
      nodeId: "n1",
      onEvent: (event) => this.events.push(event),
      log: (_level, text) => this.told.push(text),
      random: () => 0.5,
      ...options,
    });
    return this.#manager;
  }

  async start(
    daemons: readonly Daemon[],
    options: Partial<DaemonManagerOptions> = {},
  ): Promise<DaemonManager> {
    const manager = this.create(daemons, options);
    await manager.start();
    return manager;
  }

  get manager(): DaemonManager {
    if (this.#manager === null) throw new Error("nothing was started");
    return this.#manager;
  }

  one(name: string): DaemonHealth {
    const found = this.manager.daemons().find((daemon) => daemon.name === name);
    if (found === undefined) throw new Error(`no daemon ${name}`);
    return found;
  }

  /** The events of one daemon. */
  names(daemon: string): string[] {
    return this.events
      .filter((event) => "daemon" in event.data && event.data.daemon === daemon)
      .map((event) => event.name);
  }

  begin(): void {
    this.folder = mkdtempSync(join(tmpdir(), "daemons-"));
    this.events = [];
    this.told = [];
  }

  async end(): Promise<void> {
    await this.#manager?.stop();
    this.#manager = null;
    rmSync(this.folder, { recursive: true });
  }
}

/** Every test of the file begins with none, and ends them. */
export function useRealDaemons(): RealDaemons {
  const real = new RealDaemons();
  beforeEach(() => real.begin());
  afterEach(() => real.end());
  return real;
}

export function define(daemons: readonly Daemon[]): DaemonDefinition[] {
  const { definitions, problems } = readDefinitions({ daemons });
  expect(problems).toEqual([]);
  return definitions;
}

export const sh = (script: string): string[] => ["/bin/sh", "-c", script];
export const forever = "exec sleep 1000";

/** Waits for a condition, for as long as a busy machine may need. */
export const until = (check: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 20_000, interval: 20 });
