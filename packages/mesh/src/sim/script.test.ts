import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { playScript } from "./script.ts";

// Each script of testdata has its answer beside it; `GOLDEN=write` writes the answers anew, to be read before they are kept.

const folder = new URL("./testdata/", import.meta.url);
const scripts = readdirSync(folder).filter((name) => name.endsWith(".txt"));

test.each(scripts)("%s plays as its answer says", (name) => {
  const answer = playScript(readFileSync(new URL(name, folder), "utf8"));
  const golden = new URL(name.replace(/\.txt$/, ".golden"), folder);
  if (process.env.GOLDEN === "write") writeFileSync(golden, answer);
  expect(existsSync(golden)).toBe(true);
  expect(answer).toBe(readFileSync(golden, "utf8"));
});

test("a line that is no command is refused, as is a voter that nobody knows", () => {
  expect(() => playScript("cluster 3\ndance v1")).toThrow('"dance v1" is no command here.');
  expect(() => playScript("show")).toThrow(RangeError);
  expect(() => playScript("cluster 3\nfreeze v9")).toThrow('There is no voter "v9".');
});
