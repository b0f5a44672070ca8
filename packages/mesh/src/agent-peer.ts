import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Frame, MemberFrame, NodeReport, PeerIdentity, StatusFrame } from "@ringrift/protocol";
import { refuseUpgrade } from "./acceptor.ts";
import type { LocalPeer, RefusalReason } from "./auth.ts";
import { type Beat, everyTicks, startBeat } from "./beat.ts";
import { compareEpochs, kindOf, parseEpoch } from "./core/epoch.ts";
import { pulsesPerHeartbeat } from "./core/suspicion.ts";
import { Counts } from "./counts.ts";
import { Dialer } from "./dialer.ts";
import { EventHub } from "./event-hub.ts";
import type { HandshakeClock } from "./handshake.ts";
import type { Link } from "./link.ts";
import type { MemberView, Mesh, MeshEvent, MeshOptions, MeshQuorum, MeshStatus } from "./mesh.ts";
import { MeshError } from "./mesh-error.ts";

const agentBackOff = { firstMs: 100, capMs: 5_000 };
/** A server's word older than this is no longer believed. */
const statusStaleMs = 5_000;
const shortestSilenceMs = 5_000;
const longestPeriodMs = 500;

/** What one server said last. */
interface Word {
  readonly status: StatusFrame;
  readonly at: number;
}

interface KnownMember {
  readonly frame: MemberFrame;
  readonly at: number;
}

/** An agent's part: dials every server, sends heartbeats and reports, believes what the servers say of the cluster. */
export class AgentPeer implements Mesh {
  readonly #options: MeshOptions;
  readonly #local: LocalPeer;
  readonly #clock: HandshakeClock;
  readonly #hub: EventHub;
  readonly #refused = new Counts();
  readonly #dropped = new Counts();
  readonly #dialers = new Map<string, Dialer>();
  readonly #links = new Map<string, Link>();
  readonly #words = new Map<string, Word>();
  /** Members by the server that told of them. */
  readonly #members = new Map<string, Map<string, KnownMember>>();
  /** Whose word was believed last. */
  #lastVoter: string | null = null;
  #lastWordAt: number | null = null;
  #beat: Beat | null = null;
  /** The highest generation that any server told of. */
  #generation = 0;
  #seq = 0;
  #stopped = false;

  constructor(options: MeshOptions, local: LocalPeer, clock: HandshakeClock) {
    this.#options = options;
    this.#local = local;
    this.#clock = clock;
    this.#hub = new EventHub(options.log, "debug");
  }

  async start(): Promise<void> {
    const { servers, heartbeatIntervalMs } = this.#options;
    for (const server of servers) {
      this.#dialers.set(
        server.voter,
        new Dialer({
          server,
          local: this.#local,
          clock: this.#clock,
          backOff: agentBackOff,
          random: Math.random,
          admit: () => null,
          onLink: (link) => this.#open(server.voter, link),
          onConnectionRefused: () => undefined,
          onPeerRefused: (reason, peer) => this.#countRefusal(reason, peer, server.url),
        }),
      );
    }
    this.#hub.member(this.#ownView());
    // An agent decides nothing, so it wakes no more often than its pulses need.
    const pulseMs = heartbeatIntervalMs / pulsesPerHeartbeat;
    const periodMs = pulseMs / Math.ceil(pulseMs / longestPeriodMs);
    const heartbeatDue = everyTicks(heartbeatIntervalMs, periodMs);
    const pulseDue = everyTicks(pulseMs, periodMs);
    const silenceTicks = Math.max(shortestSilenceMs, 5 * heartbeatIntervalMs) / periodMs;
    this.#beat = startBeat(
      this.#clock.now,
      () => {
        for (const link of this.#links.values()) {
          link.quietTicks += 1;
          if (link.quietTicks > silenceTicks) link.end("silent_peer");
        }
        if (pulseDue()) for (const link of this.#links.values()) link.pulse();
        if (heartbeatDue()) this.#heartbeat();
        this.#tell();
      },
      periodMs,
    );
    for (const dialer of this.#dialers.values()) dialer.start();
  }

  handleUpgrade(_request: IncomingMessage, socket: Duplex): void {
    this.#refused.add("not_running");
    refuseUpgrade(socket, "404 Not Found");
  }

  status(): MeshStatus {
    const now = this.#clock.now();
    const word = this.#word();
    return {
      leaderId: word?.status.leaderId ?? null,
      isLeader: false,
      term: word?.status.term ?? 0,
      epoch: word?.status.epoch ?? "0.0",
      quorum: this.#quorum(word),
      elector: word === null ? null : { kind: kindOf(parseEpoch(word.status.epoch).generation), detail: "" },
      statusAgeSeconds: this.#lastWordAt === null ? null : (now - this.#lastWordAt) / 1000,
      leaseAgeMs: null,
      members: this.#memberViews(now),
      refused: this.#refused.snapshot(),
      dropped: this.#dropped.snapshot(),
      links: [...this.#links.values()].map((link) => ({
        peer: link.peer.nodeId,
        direction: link.direction,
        sinceSeconds: (now - link.openedAt) / 1000,
      })),
    };
  }

  sendReport(report: NodeReport): void {
    for (const link of this.#links.values()) {
      // A server that missed a part gets the whole on the next link.
      if (!link.send({ type: "report", nodeId: this.#options.nodeId, report })) this.#dropped.add("report");
    }
  }

  onEvent(listener: (event: MeshEvent) => void): () => void {
    return this.#hub.listen(listener);
  }

  assertLeader(): void {
    throw new MeshError(`${this.#options.nodeId} is an agent and never leads.`, {
      code: "NOT_LEADER",
      nextStep: "Leave the act to the leader.",
    });
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#beat?.stop();
    for (const dialer of this.#dialers.values()) dialer.stop();
    const links = [...this.#links.values()];
    for (const link of links) {
      link.send({ type: "leave" });
      link.close();
    }
    // Time for the goodbye to leave the socket.
    if (links.length > 0)
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
  }

  #open(voter: string, link: Link): void {
    link.listen({
      onFrame: (frame) => this.#receive(voter, link, frame),
      onPulse: () => undefined,
      onDrop: (what) => this.#dropped.add(what),
      onEnd: (end, detail) => {
        if (this.#links.get(voter) === link) this.#links.delete(voter);
        this.#words.delete(voter);
        this.#options.log("info", "a link has ended", { nodeId: link.peer.nodeId, end, detail });
        if (end === "bad_frame" || end === "frame_too_large" || end === "role") this.#refused.add(end);
        if (!this.#stopped) this.#dialers.get(voter)?.linkEnded();
      },
    });
    this.#links.set(voter, link);
    this.#options.log("info", "a link is open", { nodeId: link.peer.nodeId });
    link.send(this.#heartbeatFrame());
    const report = this.#options.fullReport?.();
    if (report !== undefined) link.send({ type: "report", nodeId: this.#options.nodeId, report });
  }

  #receive(voter: string, link: Link, frame: Frame): void {
    switch (frame.type) {
      case "status":
        this.#hear(voter, frame);
        return;
      case "leave":
        link.left = true;
        this.#words.delete(voter);
        this.#tell();
    }
  }

  #hear(voter: string, status: StatusFrame): void {
    const { generation } = parseEpoch(status.epoch);
    if (generation < this.#generation) {
      // A server that has not heard of the new back end yet must not be followed back to the old one.
      this.#dropped.add("old_generation");
      return;
    }
    this.#generation = generation;
    const at = this.#clock.now();
    this.#words.set(voter, { status, at });
    this.#lastWordAt = at;
    const known = status.full ? new Map<string, KnownMember>() : (this.#members.get(voter) ?? new Map());
    for (const frame of status.members) known.set(frame.id, { frame, at });
    this.#members.set(voter, known);
    this.#tell();
  }

  #heartbeat(): void {
    const frame = this.#heartbeatFrame();
    for (const link of this.#links.values()) link.send(frame);
  }

  #heartbeatFrame(): Frame {
    this.#seq += 1;
    const word = this.#word();
    return {
      type: "heartbeat",
      seq: this.#seq,
      incarnation: { boot: this.#local.boot, counter: 0 },
      loopLagMs: this.#beat?.takeLagMs() ?? 0,
      epoch: word?.status.epoch ?? "0.0",
      leaderId: word?.status.leaderId ?? null,
    };
  }

  #countRefusal(reason: RefusalReason, peer: PeerIdentity | null, url: string): void {
    this.#refused.add(reason);
    this.#options.log("warn", "a server refused this agent, or was refused", {
      reason,
      url,
      nodeId: peer?.nodeId,
    });
  }

  /** The word to believe: fresh, from a server with a leader, of the highest epoch, the newest. */
  #word(): Word | null {
    const oldest = this.#clock.now() - statusStaleMs;
    const fresh = [...this.#words.values()].filter(
      ({ at, status }) => at >= oldest && parseEpoch(status.epoch).generation === this.#generation,
    );
    const [best] = fresh.sort(
      (a, b) =>
        Number(b.status.leaderVoter !== null) - Number(a.status.leaderVoter !== null) ||
        Number(b.status.quorum.held) - Number(a.status.quorum.held) ||
        compareEpochs(parseEpoch(b.status.epoch), parseEpoch(a.status.epoch)) ||
        b.at - a.at,
    );
    return best ?? null;
  }

  #quorum(word: Word | null): MeshQuorum {
    if (word !== null) return word.status.quorum;
    const voters = this.#options.servers.map(({ voter }) => ({ id: voter, reachable: false }));
    return { configured: true, held: false, have: 0, need: Math.floor(voters.length / 2) + 1, voters };
  }

  #memberViews(now: number): MemberView[] {
    const told = this.#believedMembers();
    const others = [...told.values()].filter(({ frame }) => frame.id !== this.#options.nodeId);
    return [this.#ownView(), ...others.map((member) => viewOf(member, now))];
  }

  /** The list of the server whose word is believed; without one, the newest list there was. */
  #believedMembers(): ReadonlyMap<string, KnownMember> {
    const word = this.#word();
    for (const [voter, each] of this.#words) {
      if (each === word) this.#lastVoter = voter;
    }
    return (this.#lastVoter === null ? undefined : this.#members.get(this.#lastVoter)) ?? new Map();
  }

  #tell(): void {
    const word = this.#word();
    this.#hub.leader(word?.status.leaderId ?? null, word?.status.term ?? 0);
    this.#hub.quorum(this.#quorum(word));
    const now = this.#clock.now();
    for (const member of this.#believedMembers().values()) {
      if (member.frame.id !== this.#options.nodeId) this.#hub.member(viewOf(member, now));
    }
  }

  #ownView(): MemberView {
    return {
      id: this.#options.nodeId,
      role: "agent",
      link: "alive",
      lastSeenSeconds: 0,
      reason: "this node",
      accusers: [],
      version: this.#options.version,
    };
  }
}

function viewOf({ frame, at }: KnownMember, now: number): MemberView {
  const { lastSeenMs, ...member } = frame;
  return { ...member, lastSeenSeconds: lastSeenMs === null ? null : (lastSeenMs + (now - at)) / 1000 };
}
