import { describe, expect, it } from "vitest";
import { type ExitRules, exitMeaning } from "./exit-rules.ts";
import type { Exit } from "./run.ts";

const sets = { success: [0, 3, "SIGTERM"], prevent: [64, "SIGABRT"], force: [75] };
const rules = (mode: ExitRules["mode"]): ExitRules => ({ mode, ...sets });
const code = (value: number): Exit => ({ kind: "code", code: value });
const signal = (name: string): Exit => ({ kind: "signal", signal: name });
const failed: Exit = { kind: "failed", reason: "health check failed" };

describe("what follows an exit", () => {
  // Rows: exits. Columns: a success?, and restarted when the mode is always, on-failure, never?
  it.each<[string, Exit, boolean, boolean, boolean, boolean]>([
    ["code 0", code(0), true, true, false, false],
    ["a listed success", code(3), true, true, false, false],
    ["a listed signal", signal("SIGTERM"), true, true, false, false],
    ["any other code", code(1), false, true, true, false],
    ["any other signal", signal("SIGSEGV"), false, true, true, false],
    ["a prevented code", code(64), false, false, false, false],
    ["a prevented signal", signal("SIGABRT"), false, false, false, false],
    ["a forced code", code(75), false, true, true, true],
    ["an unknown code", { kind: "unknown" }, false, true, true, false],
    ["a failed check", failed, false, true, true, false],
  ])("of %s is as declared in every mode", (_name, exit, success, always, onFailure, never) => {
    expect(exitMeaning(rules("always"), exit)).toMatchObject({ success, restart: always });
    expect(exitMeaning(rules("on-failure"), exit)).toMatchObject({ success, restart: onFailure });
    expect(exitMeaning(rules("never"), exit)).toMatchObject({ success, restart: never });
  });

  it("says which rule decided", () => {
    expect(exitMeaning(rules("always"), code(64)).why).toBe("exited with code 64 is in restart.prevent");
    expect(exitMeaning(rules("on-failure"), code(0)).why).toBe("ended in success");
    expect(exitMeaning(rules("never"), code(1)).why).toBe("restart is never");
  });
});
