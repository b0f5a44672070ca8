import { describe, expect, it } from "vitest";
import { Shutdown, stopLimitMs } from "./shutdown.ts";

function setUp(stop: () => Promise<void>) {
  const exits: number[] = [];
  const messages: string[] = [];
  const timers: { delayMs: number; callback: () => void }[] = [];
  const abandoned: number[] = [];
  const shutdown = new Shutdown({
    stop,
    // Whatever must not outlive the process is ended before the exit, not after.
    abandon: () => abandoned.push(exits.length),
    exit: (code) => exits.push(code),
    log: (_level, message) => messages.push(message),
    after: (delayMs, callback) => timers.push({ delayMs, callback }),
  });
  return { shutdown, abandoned, exits, messages, timers };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

describe("Shutdown", () => {
  it("exits 1 with a log line when the stop takes longer than the limit", async () => {
    const { shutdown, exits, messages, timers } = setUp(() => new Promise(() => {}));
    shutdown.onSignal("SIGTERM");
    await settle();
    expect(exits).toEqual([]);
    expect(timers.map((timer) => timer.delayMs)).toEqual([stopLimitMs]);
    timers[0]?.callback();
    expect(exits).toEqual([1]);
    expect(messages.at(-1)).toBe("not stopped after 10 s, exiting anyway");
  });

  it("exits 1 when the stop fails", async () => {
    const { shutdown, exits } = setUp(async () => {
      throw new Error("disk full");
    });
    shutdown.onSignal("SIGTERM");
    await settle();
    expect(exits).toEqual([1]);
  });

  it("stops once and exits 0 after several SIGTERM", async () => {
    let stops = 0;
    const { shutdown, exits } = setUp(async () => {
      stops += 1;
    });
    for (let i = 0; i < 3; i += 1) shutdown.onSignal("SIGTERM");
    await settle();
    expect(stops).toBe(1);
    expect(exits).toEqual([0]);
  });

  it("ends at once at a second Ctrl-C, and leaves nothing behind", async () => {
    const { shutdown, abandoned, exits } = setUp(() => new Promise(() => {}));
    shutdown.onSignal("SIGINT");
    await settle();
    expect([abandoned, exits]).toEqual([[], []]);
    shutdown.onSignal("SIGINT");
    expect([abandoned, exits]).toEqual([[0], [130]]);
  });

  it("ends at once when something is thrown while it stops", async () => {
    const { shutdown, exits } = setUp(() => new Promise(() => {}));
    shutdown.onSignal("SIGTERM");
    shutdown.onFatal(new Error("late"), "uncaught exception");
    expect(exits).toEqual([1]);
  });
});
