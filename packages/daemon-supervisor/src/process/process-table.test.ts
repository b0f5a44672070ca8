import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { markerVariable, ProcessTable } from "./process-table.ts";

it("tells whose a process is also in the middle of an exec, when its environment reads as empty", async () => {
  const storm = "while :; do /bin/true & /bin/true & wait; done";
  const env = { PATH: process.env.PATH, [markerVariable]: "test:storm" };
  const child = spawn("/bin/sh", ["-c", storm], { detached: true, env, stdio: "ignore" });
  await once(child, "spawn");
  const table = new ProcessTable();
  const wrong = [];
  let seen = 0;
  for (let reads = 0; reads < 200; reads += 1) {
    const { entries } = await table.read();
    const ours = entries.filter(({ session, isBare }) => session === child.pid && !isBare);
    seen += ours.length;
    wrong.push(...ours.filter(({ marker }) => marker !== "test:storm"));
  }
  process.kill(-(child.pid ?? 0), "SIGKILL");
  expect(seen).toBeGreaterThan(200);
  expect(wrong).toEqual([]);
});

it("knows one without any environment from one that has none yet", async () => {
  const child = spawn("sleep", ["1000"], { env: {}, stdio: "ignore" });
  await once(child, "spawn");
  const { entries } = await new ProcessTable().read();
  child.kill("SIGKILL");
  expect(entries.find(({ pid }) => pid === child.pid)).toMatchObject({ marker: "", isBare: true });
});
