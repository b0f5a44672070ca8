import type { IncomingMessage } from "node:http";
import { encodeFrame, type Frame, maxFrameBytes, type PeerIdentity } from "@ringrift/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WebSocket } from "ws";
import { toldTurnMs } from "./acceptor.ts";
import type { LocalPeer } from "./auth.ts";
import { limits } from "./limits.ts";
import type { Link } from "./link.ts";
import { eventually, LocalCluster, type LocalNode } from "./testing/local-cluster.ts";
import { Stranger, wrongKeyring } from "./testing/stranger.ts";

let cluster: LocalCluster;
let server: LocalNode;
let stranger: Stranger;
let firstTerm: number;

beforeEach(async () => {
  cluster = new LocalCluster();
  await cluster.reserve(1);
  server = await cluster.server(1);
  firstTerm = server.mesh.status().term;
  stranger = new Stranger(cluster.servers[0]?.url ?? "", cluster.keyring);
});
afterEach(async () => {
  stranger.close();
  await cluster.close();
});

async function counted(reason: string, times = 1): Promise<void> {
  await eventually(
    `${times} refusals for ${reason} are counted`,
    () => server.mesh.status().refused[reason] === times,
    () => server.mesh.status().refused,
  );
}

/** After whatever was tried: counted, nobody new is known, and the server leads under its old term as before. */
async function refusedFor(reason: string, times = 1): Promise<void> {
  await counted(reason, times);
  const { members, isLeader, term } = server.mesh.status();
  expect(members.map(({ id }) => id)).not.toContain("intruder");
  expect({ isLeader, term }).toEqual({ isLeader: true, term: firstTerm });
}

const intruder = (changes: Partial<LocalPeer>): Promise<unknown> =>
  stranger.link({ nodeId: "intruder", ...changes });

/** A link that the server took. */
async function taken(changes: Partial<LocalPeer> = {}): Promise<{ link: Link; socket: WebSocket }> {
  const made = await stranger.link(changes);
  if (made === null) throw new Error("the link was refused");
  return made;
}

describe("a server refuses, counts and keeps nothing of", { timeout: 30_000 }, () => {
  it("an agent with a wrong key, which also refuses the server", async () => {
    expect(await intruder({ trust: { keyring: wrongKeyring(), tls: null } })).toBeNull();
    expect(server.mesh.status().members).toHaveLength(1);
  });

  it("a proof made with a wrong key", async () => {
    const socket = stranger.open();
    const identity: PeerIdentity = {
      version: 1,
      oldestVersion: 1,
      clusterId: "test",
      role: "agent",
      nodeId: "intruder",
      instance: "00000000-0000-4000-8000-000000000000",
      voter: null,
      votersDigest: "",
      boot: 1,
      programVersion: "1",
      timing: { heartbeatMs: 200, election: null },
      nonce: "0".repeat(64),
      kid: "k1",
    };
    socket.on("open", () => socket.send(encodeFrame({ type: "hello", ...identity })));
    socket.on("message", () => socket.send(encodeFrame({ type: "proof", mac: "0".repeat(64) })));
    await refusedFor("key");
    expect(server.mesh.status().refusedPeers).toMatchObject([
      { reason: "key", address: "127.0.0.1", nodeId: "intruder", kid: "k1" },
    ]);
  });

  it("an agent without a key", async () => {
    expect(await intruder({ trust: { keyring: null, tls: null } })).toBeNull();
  });

  it("a handshake that was listened to and said again", async () => {
    const { link } = await taken();
    const [hello = "", proof = ""] = stranger.said;
    link.send({ type: "leave" });
    const socket = stranger.open();
    socket.on("open", () => socket.send(hello));
    socket.once("message", () => socket.send(proof));
    await refusedFor("key");
  });

  it("an agent of another cluster", async () => {
    expect(await intruder({ clusterId: "other" })).toBeNull();
    await refusedFor("cluster");
  });

  it("a peer without a version in common, and takes one whose range meets its own", async () => {
    expect(await intruder({ versions: { oldest: 2, newest: 3 } })).toBeNull();
    await refusedFor("version");
    expect(await stranger.link({ versions: { oldest: 1, newest: 3 } })).not.toBeNull();
  });

  it("a voter that is not configured, and one that claims this server's own place", async () => {
    expect(await intruder({ role: "server", voter: "v9" })).toBeNull();
    await refusedFor("voter_unknown");
    expect(await intruder({ role: "server", voter: "v1" })).toBeNull();
    await refusedFor("voter_unknown", 2);
  });

  it("an upgrade with an Origin header", async () => {
    stranger.open({ origin: "https://example.org" });
    await refusedFor("origin_header");
  });

  it("garbage instead of a hello", async () => {
    const socket = stranger.open();
    socket.on("open", () => socket.send("GET / HTTP/1.1"));
    await refusedFor("bad_frame");
  });

  it("a hello that is one character too long", async () => {
    const socket = stranger.open();
    socket.on("open", () => socket.send("x".repeat(limits.handshakeFrameLength + 1)));
    await refusedFor("frame_too_large");
  });

  it("a first message beyond the longest frame, before it is read", async () => {
    const socket = stranger.open();
    socket.on("open", () => socket.send("x".repeat(maxFrameBytes + 1)));
    await refusedFor("frame_too_large");
  });

  it("a compressed frame, which was never agreed on", async () => {
    const socket = await stranger.raw();
    // FIN, RSV1, text; masked, four bytes.
    socket?.write(Buffer.from([0xc1, 0x84, 1, 2, 3, 4, 5, 6, 7, 8]));
    await refusedFor("bad_frame");
  });

  it("a second live process of the same node", async () => {
    await taken();
    expect(await stranger.link({ instance: "11111111-1111-4111-8111-111111111111" })).toBeNull();
    await counted("duplicate_node");
    expect(server.mesh.status().refusedPeers[0]).toMatchObject({ nodeId: "stranger" });
  });

  it("whoever says nothing, or says it too slowly, once five seconds are over", async () => {
    const mute = stranger.open();
    const slow = await stranger.raw();
    // A header that promises 100 bytes, of which one comes.
    slow?.write(Buffer.from([0x81, 0xe4, 1, 2, 3, 4, 5]));
    await refusedFor("handshake_timeout", 2);
    await eventually("it is cut", () => mute.readyState === mute.CLOSED && slow?.destroyed === true);
  });

  it("an address that failed twenty times, before another handshake", async () => {
    for (let attempt = 0; attempt < limits.refusalsPerAddress.burst + 5; attempt += 1)
      await intruder({ clusterId: "other" });
    const { refused } = server.mesh.status();
    expect(refused.cluster).toBeGreaterThanOrEqual(limits.refusalsPerAddress.burst);
    expect(refused.address_blocked).toBeGreaterThanOrEqual(1);
  });

  it("a socket more than an address may have between upgrade and welcome, and tells it when to come again", async () => {
    const waiting = Array.from({ length: limits.pendingPerAddress }, () => stranger.raw());
    expect((await Promise.all(waiting)).every((socket) => socket !== null)).toBe(true);
    const answer = await new Promise<IncomingMessage>((resolve) => {
      stranger.open().on("unexpected-response", (_question, response) => resolve(response));
    });
    expect(answer.statusCode).toBe(503);
    expect(toldTurnMs(answer)).toBeGreaterThan(0);
    await refusedFor("too_many");
    // Room is made again by whoever goes, and going is no offence.
    stranger.close();
    while ((await stranger.raw()) === null);
  });
});

describe("a link that was made ends, is counted and changes nothing when its agent sends", {
  timeout: 30_000,
}, () => {
  const forbidden: readonly Frame[] = [
    { type: "election", message: { type: "vote", term: 1_000, transfer: true } },
    { type: "election", message: { type: "lead", term: 1_000, sentAt: 1 } },
    { type: "observations", observations: [] },
    { type: "verdict", term: 1_000, members: [] },
    { type: "propose", id: 0, proposal: "evil" },
    { type: "proposed", id: 0, ok: true, value: "evil", stamp: "9.9" },
    {
      type: "status",
      leaderId: "stranger",
      leaderVoter: "v1",
      term: 1_000,
      epoch: "1.1000",
      quorum: { configured: true, held: true, have: 1, need: 1, voters: [] },
      members: [],
      full: true,
    },
    {
      type: "report",
      nodeId: "victim",
      report: { full: true, seq: 1, sentAt: 1, version: "1", startedAt: 1, checks: [] },
    },
  ];
  it.each(forbidden)("a frame of a voter, of a server or of another node: $type", async (frame) => {
    const { link } = await taken();
    link.send(frame);
    await refusedFor("role");
    expect(server.mesh.status().members.map(({ id }) => id)).not.toContain("victim");
    expect(server.events.filter(({ type }) => type === "report")).toHaveLength(0);
  });

  it.each([
    ["broken JSON", '{"type":"heartbeat"'],
    ["deep nesting", `{"type":"leave","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
    ["a key of the prototype", '{"type":"leave","__proto__":{"polluted":true}}'],
    ["wrong types", '{"type":"heartbeat","seq":"7"}'],
    ["a number that is none", '{"type":"heartbeat","seq":1e999}'],
  ])("%s", async (_name, text) => {
    const { socket } = await taken();
    socket.send(text);
    await refusedFor("bad_frame");
    expect({}).not.toHaveProperty("polluted");
  });

  it("a frame of one byte too many", async () => {
    const { socket } = await taken();
    socket.send("x".repeat(maxFrameBytes + 1));
    await refusedFor("frame_too_large");
  });

  it("a binary frame, or text that is not UTF-8", async () => {
    const first = await taken();
    first.socket.send(Buffer.from('{"type":"leave"}'));
    await refusedFor("bad_frame");
    const second = await taken({ nodeId: "stranger-2" });
    second.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    await refusedFor("bad_frame", 2);
  });

  it.each([
    ["100,000 fragments of one byte", "x"],
    ["100,000 empty fragments", ""],
  ])("%s, of which it reads a few", async (_name, piece) => {
    const { socket } = await taken();
    const [connection] = [...cluster.sockets(1)];
    for (let index = 0; index < 100_000; index += 1) socket.send(piece, { fin: false, binary: false });
    await refusedFor("fragments");
    expect(connection?.bytesRead).toBeLessThan(256 * 1024);
  });

  it("frames far faster than the rate limit, and drops those that it still reads", async () => {
    const { link } = await taken();
    const epoch = { epoch: "0.0", leaderId: null, loopLagMs: 0, incarnation: { boot: 1, counter: 0 } };
    for (let seq = 1; seq <= 2_000; seq += 1) link.send({ type: "heartbeat", seq, ...epoch });
    await refusedFor("flood");
    expect(server.mesh.status().dropped.rate_limit).toBeGreaterThan(limits.excess.burst);
  });

  it("pings far faster than the rate limit, none of which is answered", async () => {
    const { socket } = await taken();
    let answers = 0;
    socket.on("pong", () => {
      answers += 1;
    });
    for (let index = 0; index < 2_000; index += 1) socket.ping("x");
    await refusedFor("flood");
    expect(answers).toBe(0);
  });
});

describe("a link stays when its agent sends", { timeout: 30_000 }, () => {
  it("frames of a type from the future, which are counted", async () => {
    const { link } = await taken();
    link.sendText(null, '{"type":"from_the_future"}');
    await eventually("it is counted", () => server.mesh.status().dropped.unknown_type === 1);
    expect(server.mesh.status().links).toHaveLength(1);
  });

  it("heartbeats that were sent before, which are dropped and counted", async () => {
    const { link } = await taken();
    const epoch = { epoch: "0.0", leaderId: null, loopLagMs: 0, incarnation: { boot: 1, counter: 0 } };
    for (const seq of [5, 6, 6, 3, 7]) link.send({ type: "heartbeat", seq, ...epoch });
    await eventually("they are counted", () => server.mesh.status().dropped.replayed === 2);
    expect(server.mesh.status().links).toHaveLength(1);
  });
});
