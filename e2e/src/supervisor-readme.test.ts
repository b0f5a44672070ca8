import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "./cluster.ts";
import { type Program, startCommand, waitFor } from "./program.ts";

const readme = readFileSync(
  fileURLToPath(import.meta.resolve("@ringrift/daemon-supervisor")).replace(/dist\/index\.js$/, "README.md"),
  "utf8",
);
const [example = "", , loader = ""] = [...readme.matchAll(/^```\w+\n([\s\S]*?)^```$/gm)].map(
  ([, code]) => code,
);
const [, yaml = ""] = [...readme.matchAll(/^```\w+\n([\s\S]*?)^```$/gm)].map(([, code]) => code);

// Within this package, so that the example finds the supervisor as an installed one would.
const folder = mkdtempSync(fileURLToPath(new URL("../readme-", import.meta.url)));
let port = 0;

beforeAll(async () => {
  port = await freePort();
  writeFileSync(
    join(folder, "api.js"),
    `import { createServer } from "node:http";
     createServer((_, answer) => answer.end("ok")).listen(${port}, "127.0.0.1");`,
  );
  writeFileSync(
    join(folder, "worker.js"),
    `fetch("http://127.0.0.1:${port}/").then((answer) => console.log("worker got", answer.status));
     setInterval(() => {}, 1000);`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the README's code as it stands, but for the port and with the programs beside it. */
function run(name: string, code: string): Program {
  const file = join(folder, name);
  writeFileSync(
    file,
    code
      .replaceAll("8000", String(port))
      .replaceAll('"daemons.yaml"', JSON.stringify(join(folder, "daemons.yaml"))),
  );
  return startCommand("/bin/sh", ["-c", `cd "${folder}" && exec "${process.execPath}" "${file}"`], {
    PATH: `${process.execPath.replace(/\/node$/, "")}:${process.env.PATH}`,
  });
}

describe("the README of the daemon supervisor", { timeout: 30_000 }, () => {
  it("begins with an example of at most ten lines that supervises two programs, in order", async () => {
    expect(example.trim().split("\n").length).toBeLessThanOrEqual(10);
    const program = run("first.mjs", example);
    const seen = (text: RegExp): Promise<true> =>
      waitFor(String(text), async () => (text.test(program.output()) ? true : null), 15_000, program.output);
    await seen(/DAEMON_STARTED[\s\S]*worker/);
    const output = program.output();
    expect(output.indexOf("api")).toBeLessThan(output.indexOf("worker"));
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("ok");
    expect(await program.kill("SIGTERM")).toBe(0);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });

  it("shows a daemons file and code that loads it", async () => {
    writeFileSync(join(folder, "daemons.yaml"), yaml.replaceAll("8000", String(port)));
    const program = run("second.mjs", loader);
    await waitFor(
      "the worker",
      async () => (/DAEMON_STARTED worker/.test(program.output()) ? true : null),
      15_000,
      program.output,
    );
    expect(await program.kill("SIGTERM")).toBe(0);
  });
});
