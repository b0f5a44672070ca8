import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openGeneration } from "./generation.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ringrift-generation-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("a generation", () => {
  it("rises when the server is started with another back end, and stays when it is not", () => {
    expect(openGeneration(directory, "mesh").value).toBe(1);
    expect(openGeneration(directory, "mesh").value).toBe(1);
    expect(openGeneration(directory, "etcd").value).toBe(2);
    expect(openGeneration(directory, "mesh").value).toBe(4);
  });

  it("follows a higher one of the same back end, also after a restart", () => {
    const generation = openGeneration(directory, "mesh");
    expect(generation.hear(7)).toBe(true);
    expect(generation.hear(4)).toBe(false);
    expect(generation.overtakenBy).toBeNull();
    expect(openGeneration(directory, "mesh").value).toBe(7);
  });

  it("is overtaken by a higher one of another back end until it rises above that", () => {
    const generation = openGeneration(directory, "mesh");
    expect(generation.hear(2)).toBe(true);
    expect(generation.overtakenBy).toBe("etcd");
    expect(generation.value).toBe(1);
    generation.hear(4);
    expect(generation.overtakenBy).toBeNull();
  });

  it("remembers the highest term of the generation, and none of an earlier one", () => {
    const generation = openGeneration(directory, "etcd");
    generation.noteTerm(9);
    generation.noteTerm(8);
    expect(openGeneration(directory, "etcd").term).toBe(9);
    openGeneration(directory, "etcd").raise(3);
    const next = openGeneration(directory, "etcd");
    expect([next.value, next.term]).toEqual([5, 0]);
  });

  it("stops the start when its file is torn or edited, with what to do", () => {
    openGeneration(directory, "mesh");
    const path = join(directory, "generation.json");
    const text = readFileSync(path, "utf8");
    for (const bad of ["", text.slice(0, 20), text.replace("1,", "0,")]) {
      writeFileSync(path, bad);
      expect(() => openGeneration(directory, "mesh")).toThrow(
        expect.objectContaining({ code: "GENERATION_FILE", nextStep: expect.stringContaining("Restore it") }),
      );
    }
  });
});
