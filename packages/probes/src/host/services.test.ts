import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { askRuntime, judgeRuntimes } from "./container-runtime.ts";
import { judgeServices, parsePopulated } from "./services.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "probes-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe("systemd units", () => {
  it("that are enabled must have a process", () => {
    expect(judgeServices([]).state).toBe("not_applicable");
    expect(judgeServices([{ name: "docker.service", running: true }]).state).toBe("healthy");
    expect(judgeServices([{ name: "docker.service", running: false }]).state).toBe("degraded");
    expect(judgeServices([{ name: "docker.service", running: null }]).state).toBe("unknown");
    expect(parsePopulated("populated 0\nfrozen 0\n")).toBe(false);
  });
});

describe("a container runtime", () => {
  const listen = (path: string, answer: string | null) =>
    new Promise<void>((resolve) => {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        if (answer !== null) socket.end(answer);
      }).listen(path, resolve);
      onTestFinished(() => void server.close());
    });
  const docker = {
    runtime: "docker",
    request: "GET /_ping HTTP/1.0\r\n\r\n",
    isAnswer: (text: string) => text.startsWith("HTTP/1.0 200 "),
  };

  it("is alive when its socket answers", async () => {
    const path = join(folder(), "docker.sock");
    await listen(path, "HTTP/1.0 200 OK\r\n\r\nOK");
    expect((await askRuntime(path, docker)).answer).toBe("alive");
  });

  it("is not alive when it answers with an error, or nobody listens", async () => {
    const path = join(folder(), "docker.sock");
    await listen(path, "HTTP/1.0 500 Internal Server Error\r\n\r\n");
    expect((await askRuntime(path, docker)).answer).toBe("silent");
    const dead = join(folder(), "dead.sock");
    writeFileSync(dead, "");
    expect((await askRuntime(dead, docker)).answer).toBe("refused");
  });

  it("that only accepts is not alive: so does the kernel for a process that hangs", async () => {
    const path = join(folder(), "containerd.sock");
    await listen(path, null);
    const grpc = { runtime: "containerd", request: "PRI", isAnswer: () => true };
    expect((await askRuntime(path, grpc, 50)).answer).toBe("silent");
  });

  it("that may not be asked is unknown", () => {
    expect(judgeRuntimes([{ runtime: "docker", answer: "denied" }]).state).toBe("unknown");
    expect(judgeRuntimes([]).state).toBe("not_applicable");
  });
});
