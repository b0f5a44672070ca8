import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadStages, saveStages } from "./stage-store.ts";
import { createStages } from "./stages.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "stages-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe("the stage store", () => {
  it("is empty where there is no file", () => {
    expect(loadStages(join(directory, "none.json"))).toEqual({});
  });

  it("keeps ages over a restart and leaves no other file behind", () => {
    const path = join(directory, "deep", "stages.json");
    const before = createStages();
    before.record("training", { step: 7 }, 1000);
    saveStages(path, before.memory());
    saveStages(path, before.memory());
    const after = createStages(undefined, loadStages(path));
    after.record("training", { step: 7 }, 4000);
    expect(after.reports(5000)[0]?.progressAgeSeconds).toBe(4000);
    expect(readdirSync(join(directory, "deep"))).toEqual(["stages.json"]);
  });

  it.each(["", "{", '{"version":2,"stages":{}}', '{"version":1,"stages":{"training":{}}}'])(
    "refuses the damaged file %j and leaves it as it is",
    (text) => {
      const path = join(directory, "stages.json");
      writeFileSync(path, text);
      expect(() => loadStages(path)).toThrow(expect.objectContaining({ code: "STAGE_FILE_BAD" }));
      expect(readFileSync(path, "utf8")).toBe(text);
    },
  );
});
