import type { DaemonHealth } from "@ringrift/protocol";
import { expect, it } from "vitest";
import { Deaths } from "./deaths.ts";

const daemon = (name: string, state: DaemonHealth["state"]): DaemonHealth => ({
  name,
  state,
  critical: false,
  ready: state === "running",
  pid: 7,
  restarts: 1,
  errorRate: null,
  uptimeSeconds: 0,
  cpuCores: null,
  memoryBytes: null,
  lastExit: null,
  lastExitAgeSeconds: null,
  reason: "running",
});

it("a daemon that died and is back is shown as it was in between, once", () => {
  const deaths = new Deaths();
  deaths.note("a", "was killed by SIGKILL");
  const daemons = [daemon("a", "running"), daemon("b", "running")];
  expect(deaths.take(daemons)).toEqual([
    { ...daemon("a", "failed"), pid: null, reason: "was killed by SIGKILL" },
    daemon("b", "running"),
  ]);
  expect(deaths.take(daemons)).toBeNull();
});

it("a daemon that is still down shows its death itself", () => {
  const deaths = new Deaths();
  deaths.note("a", "was killed by SIGKILL");
  expect(deaths.take([daemon("a", "restarting")])).toBeNull();
  expect(deaths.take([daemon("a", "running")])).toBeNull();
});
