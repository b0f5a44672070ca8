import { describe, expect, it } from "vitest";
import { nodeVersionProblem } from "./node-version.ts";

describe("nodeVersionProblem", () => {
  it("accepts the asked version and newer ones", () => {
    expect(nodeVersionProblem("22.0.0", 22)).toBeNull();
    expect(nodeVersionProblem("26.10.0", 22)).toBeNull();
  });

  it("says in one line what is needed and what was found", () => {
    const problem = nodeVersionProblem("9.11.2", 22);
    expect(problem).toContain("needs Node 22 or newer; this is Node 9.11.2");
    expect(problem).not.toContain("\n");
  });
});
