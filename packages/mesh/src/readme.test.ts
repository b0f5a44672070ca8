import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { agentKey } from "./keyring.ts";
import { eventually } from "./testing/local-cluster.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("the example in the README", { timeout: 30_000 }, () => {
  let directory: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "ringrift-readme-"));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });

  it("forms a mesh of three processes that print one leader, and another when that one is stopped", async () => {
    const [, code = ""] = /```js\n([\s\S]*?)```/.exec(readme) ?? [];
    expect(code.split("\n").length).toBeLessThanOrEqual(12);
    let program = code.replace("@ringrift/mesh", new URL("index.ts", import.meta.url).href);
    for (const port of ["7001", "7002", "7003"]) program = program.replace(port, String(await freePort()));
    writeFileSync(join(directory, "voter.mjs"), program);
    const printed = new Map<string, string>();
    const running = new Map<string, ChildProcess>();
    for (const voter of ["a", "b", "c"]) {
      const child = spawn(process.execPath, ["voter.mjs", voter], {
        cwd: directory,
        stdio: ["ignore", "pipe", "inherit"],
      });
      children.push(child);
      running.set(voter, child);
      child.stdout.on("data", (text) => printed.set(voter, (printed.get(voter) ?? "") + text));
    }
    const last = (voter: string): string => (printed.get(voter) ?? "").trim().split("\n").at(-1) ?? "";
    const agreed = (voters: readonly string[]): string | null => {
      const lines = new Set(voters.map(last));
      const [line = ""] = lines;
      return lines.size === 1 ? (/^term \d+: ([abc]) leads$/.exec(line)?.[1] ?? null) : null;
    };
    await eventually(
      "all three print one leader",
      () => agreed(["a", "b", "c"]) !== null,
      () => [...printed],
    );
    const leader = agreed(["a", "b", "c"]) ?? "";
    running.get(leader)?.kill("SIGKILL");
    const rest = ["a", "b", "c"].filter((voter) => voter !== leader);
    await eventually(
      "the other two print another",
      () => agreed(rest) !== null && agreed(rest) !== leader,
      () => [...printed],
    );
  });

  it("derives the key of an agent as the package does", () => {
    const [, text] = /printf '(ringrift-agent:gpu-7)' \| openssl dgst -sha256 -mac HMAC/.exec(readme) ?? [];
    const secret = Buffer.alloc(32, 9);
    const derived = agentKey({ kid: "k1", secret, notAfterMs: null }, "gpu-7");
    expect(derived.kid).toBe("k1/gpu-7");
    expect(Buffer.from(derived.secret)).toEqual(
      createHmac("sha256", secret)
        .update(text ?? "")
        .digest(),
    );
  });
});
