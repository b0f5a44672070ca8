import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";

const script = fileURLToPath(new URL("service.test.program.ts", import.meta.url));
const children: ChildProcess[] = [];

interface Child {
  readonly process: ChildProcess;
  stdout(): string;
  stderr(): string;
  until(text: string): Promise<void>;
  exit(): Promise<number | null>;
}

function run(args: readonly string[], env: Record<string, string> = {}): Child {
  const child = spawn(process.execPath, [script, "--port", "0", ...args], {
    env: { PATH: process.env.PATH, HOME: "/nonexistent", RINGRIFT_NODE_ID: "host-1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let stdout = "";
  let stderr = "";
  const closed = once(child, "close");
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  return {
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    until: async (text) => {
      while (!stderr.includes(text)) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`exited without "${text}": ${stderr}`);
        await Promise.race([once(child.stderr, "data"), closed]);
      }
    },
    exit: async () => {
      await closed;
      return child.exitCode;
    },
  };
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

describe("runProgram's command line", () => {
  it("prints help with a setting's range, default and variable, and examples", async () => {
    const child = run(["--help"]);
    expect(await child.exit()).toBe(0);
    const help = child.stdout().replace(/\s+/g, " ");
    expect(help).toContain("--port <port>");
    expect(help).toContain("an integer from 0 to 65535; default 8791; env RINGRIFT_AGENT_PORT");
    expect(help).toContain("Examples:");
  });

  it("ends quietly when the reader of its output is gone", async () => {
    const child = run(["--help"]);
    child.process.stdout?.destroy();
    expect(await child.exit()).toBe(0);
    expect(child.stderr()).toBe("");
  });

  it("prints the version that the app gave", async () => {
    const child = run(["--version"]);
    expect(await child.exit()).toBe(0);
    expect(child.stdout()).toBe("1.2.3\n");
  });

  it.each([["--no-such-option"], ["no-such-command"], ["config"], ["--port"]])(
    "exits 64 on %s",
    async (argument) => {
      const child = run([argument]);
      expect(await child.exit()).toBe(64);
      expect(child.stderr()).not.toBe("");
    },
  );

  it("exits 78 on bad configuration and names the value, its source and what is accepted", async () => {
    const child = run([], { RINGRIFT_HEARTBEAT_INTERVAL: "fast" });
    expect(await child.exit()).toBe(78);
    expect(child.stderr()).toContain(
      'heartbeatInterval = "fast" (from RINGRIFT_HEARTBEAT_INTERVAL): is not accepted; expected a number from 0.1 to 60',
    );
  });

  it("prints the configuration with its sources, as text and as JSON", async () => {
    const text = run(["config", "print"]);
    expect(await text.exit()).toBe(0);
    expect(text.stdout()).toMatch(/^agentPort +0 +--port$/m);
    const json = run(["config", "print", "--json"]);
    expect(await json.exit()).toBe(0);
    const printed = JSON.parse(json.stdout());
    expect(printed.settings).toContainEqual({
      key: "nodeId",
      env: "RINGRIFT_NODE_ID",
      value: "host-1",
      source: "RINGRIFT_NODE_ID",
    });
  });

  it("takes options before and after `config print`", async () => {
    const child = run(["config", "print", "--node-id", "after"]);
    expect(await child.exit()).toBe(0);
    expect(child.stdout()).toMatch(/^nodeId +after +--node-id$/m);
    expect(child.stdout()).toMatch(/^agentPort +0 +--port$/m);
  });

  it("exits 78 when the named file cannot be read", async () => {
    const child = run(["--config", "/nonexistent/ringrift.yaml"]);
    expect(await child.exit()).toBe(78);
    expect(child.stderr()).toContain("(from --config): cannot be read");
  });

  it("checks the configuration without a start", async () => {
    const good = run(["config", "check"]);
    expect(await good.exit()).toBe(0);
    expect(good.stderr()).toBe("");
    const bad = run(["config", "check"], { RINGRIFT_NOPE: "1" });
    expect(await bad.exit()).toBe(78);
  });
});

describe("runProgram's life", () => {
  it("logs JSON lines and exits 0 on SIGTERM, stopping once however often it is asked", async () => {
    const child = run([]);
    await child.until("ready");
    child.process.kill("SIGTERM");
    child.process.kill("SIGTERM");
    expect(await child.exit()).toBe(0);
    const lines = child
      .stderr()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ level: "info", name: "test-service", version: "1.2.3", msg: "ready" });
    expect(lines.filter((line) => line.msg === "stop called")).toHaveLength(1);
  });

  it("exits 130 at once on a second Ctrl-C", async () => {
    const child = run([], { SERVICE_MODE: "hangs" });
    await child.until("ready");
    child.process.kill("SIGINT");
    await child.until("stop called");
    child.process.kill("SIGINT");
    expect(await child.exit()).toBe(130);
  });

  it("reloads on SIGHUP and lives on when the reload fails", async () => {
    const good = run([]);
    await good.until("ready");
    good.process.kill("SIGHUP");
    await good.until("reloaded");
    const bad = run([], { SERVICE_MODE: "bad-reload" });
    await bad.until("ready");
    bad.process.kill("SIGHUP");
    await bad.until("bad new file");
    bad.process.kill("SIGTERM");
    expect(await bad.exit()).toBe(0);
  });

  it("exits 1 with message and code when the start fails", async () => {
    const child = run([], { SERVICE_MODE: "taken" });
    expect(await child.exit()).toBe(1);
    expect(JSON.parse(child.stderr())).toMatchObject({
      level: "fatal",
      code: "PORT_IN_USE",
      msg: "could not start: Port 1 is in use.",
    });
  });

  it.each([
    ["throws", "nobody expects this"],
    ["rejects", "nobody catches this"],
  ])("logs the stack and exits 1 when something %s outside of any catch", async (mode, message) => {
    const child = run([], { SERVICE_MODE: mode });
    expect(await child.exit()).toBe(1);
    const line = child
      .stderr()
      .split("\n")
      .find((text) => text.includes(message));
    expect(JSON.parse(line ?? "{}").err.stack).toContain("service.test.program");
  });
});
