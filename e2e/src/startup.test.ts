import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { freePort } from "./cluster.ts";
import { killLeftovers, startProgram } from "./program.ts";

const directory = mkdtempSync(join(tmpdir(), "ringrift-startup-"));
afterEach(killLeftovers);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.each(["health-server", "node-agent"] as const)("%s", { timeout: 30_000 }, (app) => {
  const portVariable = app === "health-server" ? "RINGRIFT_HEALTH_SERVER_PORT" : "RINGRIFT_AGENT_PORT";
  const data = { RINGRIFT_DATA_DIR: join(directory, app) };

  it("exits 78 and names variable, value and what is accepted when the configuration is bad", async () => {
    const program = startProgram(app, [], { ...data, [portVariable]: "eighty" });
    expect(await program.exited).toBe(78);
    expect(program.output()).toContain(portVariable);
    expect(program.output()).toContain("eighty");
    expect(program.output()).toContain("65535");
  });

  it("exits 78 on an unknown key of the file, naming file and key", async () => {
    const file = join(directory, `${app}.yaml`);
    writeFileSync(file, "nodeIdd: x\n");
    const program = startProgram(app, ["--config", file], data);
    expect(await program.exited).toBe(78);
    expect(program.output()).toContain(file);
    expect(program.output()).toContain("nodeIdd");
  });

  it("exits 1 and names the port when it is in use", async () => {
    const blocker = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => blocker.listen(port, "127.0.0.1", resolve));
    const program = startProgram(app, [], {
      ...data,
      [portVariable]: String(port),
      RINGRIFT_SERVERS: `ws://127.0.0.1:${app === "health-server" ? port : await freePort()}/mesh`,
    });
    expect(await program.exited).toBe(1);
    expect(program.output()).toContain(`Port ${port} on 127.0.0.1 is in use`);
    await new Promise((resolve) => blocker.close(resolve));
  });

  it("prints help with an example, and its version", async () => {
    const help = startProgram(app, ["--help"], data);
    expect(await help.exited).toBe(0);
    expect(help.output()).toContain("--config");
    expect(help.output()).toMatch(/example/i);
    const version = startProgram(app, ["--version"], data);
    expect(await version.exited).toBe(0);
    expect(version.output().trim()).toMatch(/^\d+\.\d+\.\d+/);
  });

  it("prints its configuration with the source of each value", async () => {
    const program = startProgram(app, ["config", "print"], { ...data, [portVariable]: "0" });
    expect(await program.exited).toBe(0);
    expect(program.output()).toContain(portVariable);
  });
});
