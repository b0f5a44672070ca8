import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { PeerIdentity } from "@ringrift/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { tickMs } from "./beat.ts";
import { limits } from "./limits.ts";
import { Link, socketOptions } from "./link.ts";
import { eventually } from "./testing/local-cluster.ts";

const peer: PeerIdentity = {
  version: 1,
  oldestVersion: 1,
  clusterId: "test",
  role: "agent",
  nodeId: "reader",
  instance: "00000000-0000-4000-8000-000000000000",
  voter: null,
  votersDigest: "",
  boot: 1,
  programVersion: "1",
  timing: { heartbeatMs: 200, election: null },
  nonce: "",
  kid: null,
};

let http: Server;
let reader: WebSocket;
let link: Link;
let dropped: string[];
let ended: string[];

beforeEach(async () => {
  dropped = [];
  ended = [];
  http = createServer();
  const sockets = new WebSocketServer({ ...socketOptions, server: http });
  const connected = new Promise<WebSocket>((resolve) => sockets.once("connection", resolve));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  reader = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/`);
  reader.on("error", () => undefined);
  const socket = await connected;
  link = new Link(socket, { peer, localRole: "server", direction: "in", now: () => performance.now() });
  const onDrop = (what: string): void => void dropped.push(what);
  link.listen(
    { onFrame: () => undefined, onPulse: () => undefined, onDrop, onEnd: (end) => void ended.push(end) },
    1_000,
  );
});
afterEach(() => {
  reader.terminate();
  link.end("closed_here");
  http.close();
});

const text = (name: string): string => JSON.stringify({ name, pad: "x".repeat(100_000) });

/** Sends until the socket takes no more and frames wait in the queue. */
function fill(): void {
  for (let index = 0; link.view().waitingBytes < limits.socketBytes && index < 1_000; index += 1)
    link.sendText("membership", text(`fill-${index}`));
}

describe("a link to a peer that stops reading", { timeout: 20_000 }, () => {
  it("holds at most two mebibytes, drops reports first and keeps the newest status alone", async () => {
    const names: string[] = [];
    reader.on("message", (data) => names.push(String(JSON.parse(data.toString()).name)));
    reader.pause();
    fill();
    for (let index = 0; index < 50; index += 1) link.sendText("report", text(`report-${index}`));
    for (let index = 0; index < 50; index += 1) link.sendText("status", text(`status-${index}`));
    link.sendText("vote", text("vote"));
    const { waitingBytes } = link.view();
    expect(waitingBytes).toBeGreaterThan(limits.socketBytes);
    expect(waitingBytes).toBeLessThanOrEqual(limits.socketBytes + limits.queueBytes + 1024);
    expect(dropped.filter((what) => what === "unsent_report").length).toBeGreaterThan(30);
    expect(dropped.filter((what) => what === "unsent_status")).toHaveLength(49);
    expect(dropped).not.toContain("unsent_vote");
    expect(link.takeGap("status")).toBe(false);

    reader.resume();
    await eventually("everything that waited has come", () => {
      link.tick();
      return link.view().waitingBytes === 0 && names.at(-1) === "report-49";
    });
    const after = names.slice(names.indexOf("vote") + 1).filter((name) => !name.startsWith("fill-"));
    expect(after[0]).toBe("status-49");
    expect(after.slice(1).every((name) => name.startsWith("report-"))).toBe(true);
    // The peer missed some, and is to get the whole once.
    expect([link.takeGap("status"), link.takeGap("status"), link.takeGap("report")]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it("is cut after five seconds in which it took nothing, and not one beat earlier", () => {
    reader.pause();
    fill();
    // The first beat still sees what the system's own buffers took.
    link.tick();
    for (let beat = 1; beat < limits.stuckMs / tickMs; beat += 1) link.tick();
    expect(ended).toEqual([]);
    link.tick();
    expect(ended).toEqual(["slow_peer"]);
  });
});
