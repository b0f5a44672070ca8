import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StatusDocument } from "@ringrift/protocol";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { freePort } from "./cluster.ts";
import { killLeftovers, type Program, startProgram, waitFor } from "./program.ts";

const directory = mkdtempSync(join(tmpdir(), "ringrift-stop-"));
const daemonsFile = join(directory, "daemons.yaml");
// Deaf to the polite signal, with the default grace of 10 s, one behind the other.
writeFileSync(
  daemonsFile,
  `daemons:
  - name: one
    command: [/bin/sh, -c, "trap '' TERM; while :; do sleep 0.2; done"]
  - name: two
    command: [/bin/sh, -c, "trap '' TERM; while :; do sleep 0.2; done"]
    dependsOn: [one]
`,
);
afterEach(killLeftovers);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** An agent with both daemons up, and their pids. */
async function agentWithDaemons(): Promise<{ agent: Program; pids: number[] }> {
  const port = await freePort();
  const agent = startProgram("node-agent", [], {
    RINGRIFT_AGENT_PORT: String(port),
    RINGRIFT_DATA_DIR: directory,
    RINGRIFT_DAEMONS_FILE: daemonsFile,
  });
  const pids = await waitFor("two daemons", async () => {
    const status = (await (await fetch(`http://127.0.0.1:${port}/status`)).json()) as StatusDocument;
    const found = status.daemons.flatMap(({ pid, ready }) => (pid !== null && ready ? [pid] : []));
    return found.length === 2 ? found : null;
  });
  return { agent, pids };
}

/** Zombies that nobody has collected yet run nothing. */
const alive = (pids: readonly number[]): number[] =>
  pids.filter((pid) => {
    try {
      return !readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ");
    } catch {
      return false;
    }
  });

describe("an agent whose daemons ignore the stop signal", { timeout: 60_000 }, () => {
  it("cuts their graces short at SIGTERM, so that all are gone and it exits 0 in its time", async () => {
    const { agent, pids } = await agentWithDaemons();
    expect(await agent.kill("SIGTERM")).toBe(0);
    expect(alive(pids)).toEqual([]);
  });

  it("kills them at a second Ctrl-C instead of leaving them behind", async () => {
    const { agent, pids } = await agentWithDaemons();
    agent.process.kill("SIGINT");
    await waitFor("the first Ctrl-C", async () => (agent.output().includes("SIGINT received") ? true : null));
    expect(await agent.kill("SIGINT")).toBe(130);
    await waitFor("their end", async () => (alive(pids).length === 0 ? true : null));
  });
});
