import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "./cluster.ts";
import { startProgram, waitFor } from "./program.ts";

describe("custom checks of an agent", { timeout: 60_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "ringrift-checks-"));
  const checksFile = join(directory, "checks.yaml");
  const check = (name: string, code: number) =>
    `  - {name: ${name}, command: [sh, -c, "exit ${code}"], confirmRuns: 1}\n`;
  let cluster: Cluster;

  beforeAll(async () => {
    writeFileSync(checksFile, `checks:\n${check("kept", 0)}${check("old", 2)}`);
    cluster = await startCluster({
      servers: 1,
      agents: 1,
      agentEnv: { RINGRIFT_CHECKS_FILE: checksFile },
    });
  }, 60_000);
  afterAll(async () => {
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Names and states of the custom checks, as the server knows them. */
  async function customChecks(): Promise<string> {
    const [server] = cluster.servers;
    const [agent] = cluster.agents;
    const answer = await fetch(new URL(`/v1/nodes/${agent?.id}`, server?.url));
    const { node } = (await answer.json()) as { node: { checks: { check: string; state: string }[] } };
    return node.checks
      .filter(({ check }) => check.startsWith("custom."))
      .map(({ check, state }) => `${check} ${state}`)
      .sort()
      .join(", ");
  }
  const serverKnows = (expected: string): Promise<true> =>
    waitFor(expected, async () => ((await customChecks()) === expected ? true : null));

  it("are refused with file and place by config check and at a start, exit code 78, when their file is bad", async () => {
    const bad = join(directory, "bad.yaml");
    writeFileSync(bad, "checks:\n  - {name: a, command: sh}\n");
    for (const args of [["config", "check"], []]) {
      const program = startProgram("node-agent", args, {
        RINGRIFT_CHECKS_FILE: bad,
        RINGRIFT_DATA_DIR: join(directory, "data"),
      });
      expect(await program.exited).toBe(78);
      expect(program.output()).toContain(`${bad}: checks.0.command`);
    }
    const scan = startProgram("cli", ["scan"], { RINGRIFT_CHECKS_FILE: bad });
    expect(await scan.exited).toBe(78);
  });

  it("are read again at SIGHUP: what is gone leaves the server too, and a bad file changes nothing", async () => {
    const [agent] = cluster.agents;
    await serverKnows("custom.kept healthy, custom.old unhealthy");
    writeFileSync(checksFile, `checks:\n${check("kept", 0)}${check("new", 1)}`);
    agent?.program.process.kill("SIGHUP");
    await serverKnows("custom.kept healthy, custom.new degraded");
    writeFileSync(checksFile, `checks:\n${check("kept", 0)}${check("Bad", 1)}`);
    agent?.program.process.kill("SIGHUP");
    await waitFor("the refusal", async () =>
      agent?.program.output().includes("checks.1.name") === true ? true : null,
    );
    expect(await customChecks()).toBe("custom.kept healthy, custom.new degraded");
  });
});
