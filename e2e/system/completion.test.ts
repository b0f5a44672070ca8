import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mainOf } from "../src/program.ts";

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

let directory: string;
const script = (shell: Shell): string => join(directory, `ringrift.${shell}`);
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ringrift-completion-"));
  for (const shell of shells)
    writeFileSync(script(shell), execFileSync(process.execPath, [mainOf("cli"), "completion", shell]));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** What the shell offers for the last word of a line. */
function offered(shell: Shell, line: string): string[] {
  const words = line.split(" ");
  const programs: Readonly<Record<Shell, readonly string[]>> = {
    bash: [
      "-c",
      `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ringrift; printf '%s\\n' "\${COMPREPLY[@]}"`,
      script("bash"),
      ...words,
    ],
    // Only at a terminal does its completion system run; what is handed to it is what is looked at.
    zsh: [
      "-f",
      "-c",
      `compdef() {}; _describe() { [[ $1 = -o ]] && shift; print -l -- \${(P)2} }
       source $1; shift; words=("$@"); CURRENT=$#words; _ringrift`,
      "zsh",
      script("zsh"),
      ...words,
    ],
    fish: ["--no-config", "-c", "source $argv[1]; complete --do-complete $argv[2]", script("fish"), line],
  };
  const text = execFileSync(shell, programs[shell], { encoding: "utf8", timeout: 20_000 });
  const found = text.split("\n").flatMap((one) => one.split(/[\t:]/)[0] || []);
  return shell === "zsh" ? found.filter((word) => word.startsWith(words.at(-1) ?? "")) : found;
}

describe.each(shells)("%s completes", (shell) => {
  it.each([
    ["ringrift sta", ["status"]],
    ["ringrift daemon re", ["restart"]],
    ["ringrift --server http://10.0.0.1:8790 check no", ["node"]],
    ["ringrift logs trainer --fo", ["--follow"]],
    ["ringrift check node --js", ["--json"]],
  ])("%s", (line, words) => {
    expect(offered(shell, line)).toEqual(words);
  });

  it("the verbs below one, all of them", () => {
    const words = offered(shell, "ringrift daemon ");
    expect(words.toSorted()).toEqual(["help", "restart", "start", "stop"]);
  });
});
