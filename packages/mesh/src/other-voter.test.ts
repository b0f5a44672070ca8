import { afterEach, beforeEach, expect, it } from "vitest";
import type { LocalPeer } from "./auth.ts";
import { eventually, LocalCluster, type LocalNode } from "./testing/local-cluster.ts";
import { Stranger } from "./testing/stranger.ts";

let cluster: LocalCluster;
let server: LocalNode;
let newer: Stranger;

/** A voter of the next version, which still speaks this one. */
const newerVoter: Partial<LocalPeer> = {
  role: "server",
  nodeId: "server-2",
  voter: "v2",
  voters: ["v1", "v2"],
  programVersion: "9.0.0",
  versions: { oldest: 1, newest: 2 },
};

beforeEach(async () => {
  cluster = new LocalCluster();
  await cluster.reserve(2);
  server = await cluster.server(1);
  newer = new Stranger(cluster.servers[0]?.url ?? "", cluster.keyring);
});
afterEach(async () => {
  newer.close();
  await cluster.close();
});

it("a newer voter's unknown kind of election message and unknown field are counted or ignored, and its link votes on", {
  timeout: 30_000,
}, async () => {
  const made = await newer.link(newerVoter);
  if (made === null) throw new Error("the link was refused");
  const answers: string[] = [];
  made.socket.on("message", (data) => answers.push(String(data)));
  made.link.sendText(null, '{"type":"election","message":{"type":"from_the_future","term":1}}');
  await eventually("it is counted", () => server.mesh.status().dropped.unknown_type === 1);
  made.link.sendText(null, '{"type":"election","message":{"type":"pre_vote","term":3,"novelty":1}}');
  await eventually("its poll is answered", () =>
    answers.some((text) => text.includes('"type":"pre_vote_reply","term":3')),
  );
  expect(server.mesh.status().links.map(({ peer }) => peer)).toEqual(["server-2"]);
});

it("a voter whose list of voters is another is refused: an old list and a new one never vote together", {
  timeout: 30_000,
}, async () => {
  expect(await newer.link({ ...newerVoter, voters: ["v1", "v2", "v3"] })).toBeNull();
  await eventually("it is counted", () => server.mesh.status().refused.voters_differ === 1);
  expect(server.mesh.status().links).toEqual([]);
});
