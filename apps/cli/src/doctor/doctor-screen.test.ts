import { describe, expect, it } from "vitest";
import { doctorScreen } from "./doctor-screen.ts";
import { doctorExitCode, finding } from "./finding.ts";

const ok = finding("settings", "ok", "all good");
const warning = finding("clock", "warning", "is off", "Set it.");
const failed = finding("nvidia-smi", "failed", "is not installed", "Install it.");
const unknown = finding("ws://a:1/mesh", "unknown", "was not asked");

describe("what the doctor found", () => {
  it("is shown in order, with what to do and how much of each there is", () => {
    const screen = doctorScreen({
      host: "gpu-7",
      user: "ringrift",
      findings: [ok, failed, warning, unknown],
    });
    expect(screen.split("\n\n").slice(1)).toEqual([
      [
        "CHECK          STATE      FOUND",
        "settings       ● ok       all good",
        "nvidia-smi     ■ failed   is not installed",
        "clock          ▲ warning  is off",
        "ws://a:1/mesh  ○ unknown  was not asked",
      ].join("\n"),
      "What to do\n  nvidia-smi\n    Install it.\n  clock\n    Set it.",
      "1 failed, 1 unknown, 1 warning, 1 ok",
    ]);
  });

  it("ends with 1 on what failed and on what could not be told, and not on warnings", () => {
    expect(doctorExitCode([ok, warning])).toBe(0);
    for (const bad of [failed, unknown]) expect(doctorExitCode([ok, bad])).toBe(1);
    expect(doctorExitCode([])).toBe(1);
  });
});
