import { Argument, Command } from "commander";
import { expect, it } from "vitest";
import { bashCompletion } from "./bash.ts";
import { fishCompletion } from "./fish.ts";
import { vocabularyOf } from "./vocabulary.ts";
import { zshCompletion } from "./zsh.ts";

const program = new Command("tool").option("--config <file>", "a file").option("--json", "as JSON");
program.command("say").description("it's said: loudly").option("--times <count>", "how often");
program.command("shell").addArgument(new Argument("<shell>").choices(["bash", "zsh"]));
const parent = program.command("daemon").description("one of many");
parent.command("start <name>").description("start it");

it("the words of a program are those of its help, each option with what stands behind it", () => {
  const [shared, ...verbs] = vocabularyOf(program);
  expect(shared.words.map(({ text }) => text)).toEqual(["say", "shell", "daemon", "help"]);
  expect(shared.options.map(({ text, value }) => [text, value])).toEqual([
    ["--config", "file"],
    ["--json", "nothing"],
    ["--help", "nothing"],
  ]);
  expect(
    verbs.map(({ path, words, options }) => [path, words.map(({ text }) => text), options.length]),
  ).toEqual([
    ["say", [], 1],
    ["shell", ["bash", "zsh"], 0],
    ["daemon", ["start", "help"], 0],
    ["daemon start", [], 0],
  ]);
});

it("what a word means may hold quotes and colons", () => {
  const verbs = vocabularyOf(program);
  expect(zshCompletion("tool", verbs)).toContain(`'say:it'\\''s said\\: loudly'`);
  expect(fishCompletion("tool", verbs)).toContain(`'it\\'s said: loudly'`);
  expect(bashCompletion("tool", verbs)).not.toContain("loudly");
});
