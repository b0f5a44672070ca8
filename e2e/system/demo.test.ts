import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import type { StatusDocument } from "@ringrift/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { type Program, startCommand, waitFor } from "../src/program.ts";

const demo = fileURLToPath(new URL("../../scripts/demo.ts", import.meta.url));

let demonstration: Program | null = null;
// With a word it can hear: it has fifteen programs of its own to end.
afterAll(() => demonstration?.kill("SIGINT"));

async function status(): Promise<StatusDocument> {
  const answer = await fetch("http://127.0.0.1:8790/status", { signal: AbortSignal.timeout(2000) });
  return (await answer.json()) as StatusDocument;
}

const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("ringrift-demo-"));

describe("the demo", () => {
  it("shows a dozen healthy hosts, then a GPU that falls off the bus, and leaves nothing behind", async () => {
    const before = new Set(folders());
    const program = startCommand(process.execPath, [demo], {});
    demonstration = program;
    await waitFor(
      "all hosts to be up",
      async () => (program.output().includes("all are up") ? true : null),
      60_000,
      () => program.output(),
    );
    const { nodes } = await status();
    const agents = nodes.filter(({ role }) => role === "agent");
    expect(agents).toHaveLength(12);
    expect(agents.map(({ gpus }) => gpus?.total)).toEqual(Array.from({ length: 12 }, () => 8));
    const faulty = await waitFor("the lost GPU", async () => {
      const node = (await status()).nodes.find(({ id }) => id === "gpu-03");
      return node?.gpus?.healthy === 7 ? node : null;
    });
    expect(faulty.reasons.join()).toContain("Xid 79");
    const own = folders().filter((name) => !before.has(name));
    expect(own).toHaveLength(1);
    expect(await program.kill("SIGINT")).toBe(0);
    expect(own.some((name) => existsSync(`${tmpdir()}/${name}`))).toBe(false);
    await expect(status()).rejects.toThrow();
  }, 120_000);
});
