import { randomBytes } from "node:crypto";
import { encodeFrame, type Frame, maxFrameBytes, type PeerIdentity } from "@ringrift/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { LocalPeer } from "./auth.ts";
import { dialHandshake } from "./handshake.ts";
import { parseKeyring } from "./keyring.ts";
import type { Link } from "./link.ts";
import { eventually, LocalCluster, type LocalNode } from "./testing/local-cluster.ts";

let cluster: LocalCluster;
let server: LocalNode;
const sockets: WebSocket[] = [];

beforeEach(async () => {
  cluster = new LocalCluster();
  await cluster.reserve(1);
  server = await cluster.server(1);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await cluster.close();
});

function open(headers: Record<string, string> = {}): WebSocket {
  const socket = new WebSocket(cluster.servers[0]?.url ?? "", { headers });
  socket.on("error", () => undefined);
  sockets.push(socket);
  return socket;
}

/** A link to the server with whatever identity; null when it was refused. */
function link(changes: Partial<LocalPeer>): Promise<Link | null> {
  const local: LocalPeer = {
    clusterId: "test",
    role: "agent",
    nodeId: "stranger",
    instance: "00000000-0000-4000-8000-000000000000",
    voter: null,
    voters: ["v1"],
    boot: 1,
    programVersion: "1.2.3",
    keyring: cluster.keyring,
    ...changes,
  };
  const clock = { now: () => performance.now(), wallMs: () => Date.now() };
  return new Promise((resolve) => {
    dialHandshake(open(), local, clock, "v1", () => null, {
      onLink: (made) => {
        made.listen({
          onFrame: () => undefined,
          onDrop: () => undefined,
          onPulse: () => undefined,
          onEnd: () => undefined,
        });
        resolve(made);
      },
      onRefused: () => resolve(null),
    });
  });
}

async function refusedFor(reason: string): Promise<void> {
  await eventually(
    `a refusal for ${reason} is counted`,
    () => server.mesh.status().refused[reason] === 1,
    () => server.mesh.status().refused,
  );
  expect(server.mesh.status().members.map(({ id }) => id)).not.toContain("intruder");
}

function wrongKey(): Pick<LocalPeer, "keyring"> {
  return { keyring: parseKeyring(`k1:${randomBytes(32).toString("base64")}`, "wrong") };
}

describe("a server refuses, counts and keeps nothing of", () => {
  it("an agent with a wrong key, which also refuses the server", async () => {
    expect(await link({ nodeId: "intruder", ...wrongKey() })).toBeNull();
    expect(server.mesh.status().members).toHaveLength(1);
  });

  it("a proof made with a wrong key", async () => {
    const socket = open();
    const identity: PeerIdentity = {
      version: 1,
      clusterId: "test",
      role: "agent",
      nodeId: "intruder",
      instance: "00000000-0000-4000-8000-000000000000",
      voter: null,
      votersDigest: "",
      boot: 1,
      programVersion: "1",
      nonce: "0".repeat(64),
      kid: "k1",
    };
    socket.on("open", () => socket.send(encodeFrame({ type: "hello", ...identity })));
    socket.on("message", () => socket.send(encodeFrame({ type: "proof", mac: "0".repeat(64) })));
    await refusedFor("key");
  });

  it("an agent without a key", async () => {
    expect(await link({ nodeId: "intruder", keyring: null })).toBeNull();
  });

  it("an agent of another cluster", async () => {
    expect(await link({ nodeId: "intruder", clusterId: "other" })).toBeNull();
    await refusedFor("cluster");
  });

  it("a voter that is not configured, and one that claims this server's own place", async () => {
    expect(await link({ nodeId: "intruder", role: "server", voter: "v9" })).toBeNull();
    await refusedFor("voter_unknown");
    expect(await link({ nodeId: "intruder", role: "server", voter: "v1" })).toBeNull();
    expect(server.mesh.status().refused.voter_unknown).toBe(2);
  });

  it("an upgrade with an Origin header", async () => {
    open({ origin: "https://example.org" });
    await refusedFor("origin_header");
  });

  it("garbage instead of a hello", async () => {
    const socket = open();
    socket.on("open", () => socket.send("GET / HTTP/1.1"));
    await refusedFor("bad_frame");
  });

  it("a hello that is too long, before it is read", async () => {
    const socket = open();
    socket.on("open", () => socket.send("x".repeat(maxFrameBytes + 1)));
    await refusedFor("frame_too_large");
  });

  it("a second live process of the same node", async () => {
    expect(await link({})).not.toBeNull();
    expect(await link({ instance: "11111111-1111-4111-8111-111111111111" })).toBeNull();
    await refusedFor("duplicate_node");
  });

  it("frames of a voter, of a server or of another node on an agent's link", async () => {
    const forbidden: Frame[] = [
      { type: "election", message: { type: "vote", term: 1_000, transfer: true } },
      { type: "observations", observations: [] },
      { type: "verdict", term: 1_000, members: [] },
      {
        type: "report",
        nodeId: "victim",
        report: { full: true, seq: 1, sentAt: 1, version: "1", startedAt: 1, checks: [] },
      },
    ];
    const { term } = server.mesh.status();
    for (const [index, frame] of forbidden.entries()) {
      const made = await link({ nodeId: `talker-${index}` });
      made?.send(frame);
      await eventually(`${frame.type} is refused`, () => server.mesh.status().refused.role === index + 1);
    }
    expect(server.mesh.status()).toMatchObject({ term, isLeader: true });
    expect(server.events.filter(({ type }) => type === "report")).toHaveLength(0);
  });

  it("an oversized frame on a link that was made", async () => {
    const made = await link({});
    expect(made?.send({ type: "leave" })).toBe(true);
    const socket = sockets[0];
    socket?.send("x".repeat(maxFrameBytes + 1));
    await refusedFor("frame_too_large");
  });

  it("frames of a type from the future, whose link stays", async () => {
    const made = await link({});
    made?.sendText('{"type":"from_the_future"}');
    await eventually("it is counted", () => server.mesh.status().dropped.unknown_type === 1);
    expect(server.mesh.status().links).toHaveLength(1);
  });
});
