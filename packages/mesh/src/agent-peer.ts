import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Frame, NodeReport, ServerClock, StatusFrame } from "@ringrift/protocol";
import { refuseUpgrade } from "./acceptor.ts";
import { AgentLinks } from "./agent-links.ts";
import { type LocalPeer, takeTrust } from "./auth.ts";
import { type Beat, everyTicks, startBeat } from "./beat.ts";
import { Belief, type KnownMember, type Word } from "./belief.ts";
import { kindOf, parseEpoch } from "./core/epoch.ts";
import { countQuorum } from "./core/quorum.ts";
import { clockAskMs, ServerClocks } from "./core/server-clocks.ts";
import { pulsesPerHeartbeat } from "./core/suspicion.ts";
import { Counts } from "./counts.ts";
import { EventHub } from "./event-hub.ts";
import type { HandshakeClock } from "./handshake.ts";
import { LeadershipRecord } from "./leadership-record.ts";
import type { Link } from "./link.ts";
import type { MemberView, Mesh, MeshEvent, MeshOptions, MeshQuorum, MeshStatus } from "./mesh.ts";
import { MeshError } from "./mesh-error.ts";
import { warningsOf } from "./peer-timing.ts";
import { Refusals } from "./refusals.ts";
import { proofOf, type Trust } from "./trust.ts";

/** How often it looks whether other servers are to be dialled. */
const dialMs = 1_000;
const longestPeriodMs = 500;

/** An agent's part: dials servers, sends heartbeats and reports, believes what the servers say of the cluster. */
export class AgentPeer implements Mesh {
  readonly #options: MeshOptions;
  readonly #local: LocalPeer;
  readonly #clock: HandshakeClock;
  readonly #hub: EventHub;
  readonly #refusals: Refusals;
  readonly #dropped = new Counts();
  readonly #belief = new Belief();
  readonly #clocks = new ServerClocks();
  readonly #links: AgentLinks;
  /** Between two beats: an agent decides nothing, so it wakes no more often than its pulses need. */
  readonly #periodMs: number;
  readonly #leadership: LeadershipRecord;
  /** Whose list of members the listeners were told last. */
  #toldVoter: string | null = null;
  #beat: Beat | null = null;
  #seq = 0;
  #stopped = false;

  constructor(options: MeshOptions, local: LocalPeer, clock: HandshakeClock) {
    this.#options = options;
    this.#local = local;
    this.#clock = clock;
    this.#leadership = new LeadershipRecord(clock.now());
    this.#hub = new EventHub(options.log, "debug", clock.now);
    this.#refusals = new Refusals(clock.now, options.log);
    const pulseMs = options.heartbeatIntervalMs / pulsesPerHeartbeat;
    this.#periodMs = pulseMs / Math.ceil(pulseMs / longestPeriodMs);
    this.#links = new AgentLinks({
      mesh: options,
      periodMs: this.#periodMs,
      local,
      clock,
      refusals: this.#refusals,
      dropped: this.#dropped,
      onOpen: (voter, link) => {
        link.send(this.#heartbeat());
        this.#askClock(voter, link);
        this.#sendFullReport(link);
      },
      onFrame: (voter, link, frame) => this.#receive(voter, link, frame),
      onLost: (voter) => {
        this.#belief.forget(voter);
        this.#clocks.forget(voter);
      },
    });
  }

  async start(): Promise<void> {
    this.#hub.member(this.#ownView());
    const { heartbeatIntervalMs } = this.#options;
    const heartbeatDue = everyTicks(heartbeatIntervalMs, this.#periodMs);
    const pulseDue = everyTicks(heartbeatIntervalMs / pulsesPerHeartbeat, this.#periodMs);
    const dialDue = everyTicks(dialMs, this.#periodMs);
    const clockDue = everyTicks(clockAskMs, this.#periodMs);
    this.#beat = startBeat(
      this.#clock.now,
      () => {
        this.#links.tick();
        if (dialDue()) this.#links.dial();
        const [pulse, heartbeat] = [pulseDue(), heartbeatDue()];
        if (heartbeat) this.#sendHeartbeats();
        // A heartbeat is a sign of life itself, and each write costs what dozens of lines of this program cost.
        else if (pulse) for (const link of this.#links.all()) link.pulse();
        if (clockDue()) for (const [voter, link] of this.#links.byVoter()) this.#askClock(voter, link);
        this.#tell();
      },
      this.#periodMs,
    );
    this.#links.dial();
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex): void {
    this.#refusals.add("not_running", null, request.socket.remoteAddress ?? "unknown");
    refuseUpgrade(socket, "404 Not Found");
  }

  status(): MeshStatus {
    const now = this.#clock.now();
    const word = this.#belief.word(now);
    const { lastHeardAt } = this.#belief;
    return {
      leaderId: word?.status.leaderId ?? null,
      isLeader: false,
      term: word?.status.term ?? 0,
      epoch: word?.status.epoch ?? "0.0",
      quorum: this.#quorum(word),
      elector: word === null ? null : { kind: kindOf(parseEpoch(word.status.epoch).generation), detail: "" },
      statusAgeSeconds: lastHeardAt === null ? null : (now - lastHeardAt) / 1000,
      leaseAgeMs: null,
      agreed: null,
      leadership: this.#leadership.view(now),
      massFailure: null,
      members: [this.#ownView(), ...this.#others(now)],
      proof: proofOf(this.#local.trust, this.#clock.wallMs()),
      refused: this.#refusals.counts(),
      refusedPeers: this.#refusals.newest(),
      dropped: this.#dropped.snapshot(),
      links: this.#links.all().map((link) => link.view()),
      warnings: warningsOf(this.#local.timing, this.#links.all()),
    };
  }

  serverClocks(): ServerClock[] {
    return this.#clocks.view(this.#clock.now());
  }

  sendReport(report: NodeReport): void {
    for (const link of this.#links.all()) {
      if (!link.send({ type: "report", nodeId: this.#options.nodeId, report })) this.#dropped.add("report");
    }
  }

  reload(trust: Trust): void {
    takeTrust(this.#local, trust);
    this.#options.log("info", "new handshakes use the reloaded keys", { ...this.status().proof });
  }

  onEvent(listener: (event: MeshEvent) => void): () => void {
    return this.#hub.listen(listener);
  }

  async propose(): Promise<never> {
    throw new MeshError(`${this.#options.nodeId} is an agent, and agents propose nothing.`, {
      code: "NOT_A_SERVER",
      nextStep: "Ask a server.",
    });
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
    // Time for the goodbye to leave the socket.
    if (this.#links.leave())
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
  }

  #receive(voter: string, link: Link, frame: Frame): void {
    if (frame.type === "status") {
      this.#hear(voter, frame);
    } else if (frame.type === "clock_reply") {
      const { now, wallMs } = this.#clock;
      this.#clocks.take({ voter, server: link.peer.nodeId }, frame, { now: now(), wallMs: wallMs() });
    } else if (frame.type === "leave") {
      link.left = true;
      this.#belief.forget(voter);
    }
    this.#tell();
  }

  #hear(voter: string, status: StatusFrame): void {
    const now = this.#clock.now();
    if (!this.#belief.hear(voter, status, now)) this.#dropped.add("old_generation");
    else if (this.#belief.word(now)?.voter === voter && voter === this.#toldVoter) {
      const known = this.#belief.members(now);
      for (const { id } of status.members) {
        const member = known.get(id);
        if (member !== undefined && id !== this.#options.nodeId) this.#hub.member(viewOf(member, now));
      }
    }
  }

  #sendHeartbeats(): void {
    const frame = this.#heartbeat();
    for (const link of this.#links.all()) {
      link.send(frame);
      // A server that missed a part gets the whole.
      if (link.takeGap("report")) this.#sendFullReport(link);
    }
  }

  #askClock(voter: string, link: Link): void {
    link.send({ type: "clock_query", askedAt: this.#clocks.ask(voter, this.#clock.now()) });
  }

  #sendFullReport(link: Link): void {
    const report = this.#options.fullReport?.();
    if (report !== undefined) link.send({ type: "report", nodeId: this.#options.nodeId, report });
  }

  #heartbeat(): Frame {
    this.#seq += 1;
    const status = this.#belief.word(this.#clock.now())?.status;
    return {
      type: "heartbeat",
      seq: this.#seq,
      incarnation: { boot: this.#local.boot, counter: 0 },
      loopLagMs: this.#beat?.takeLagMs() ?? 0,
      epoch: status?.epoch ?? "0.0",
      leaderId: status?.leaderId ?? null,
    };
  }

  #quorum(word: Word | null): MeshQuorum {
    if (word !== null) return word.status.quorum;
    const voters = this.#options.servers.map(({ voter }) => voter);
    return { ...countQuorum(voters, []), voters: voters.map((id) => ({ id, reachable: false })) };
  }

  #others(now: number): MemberView[] {
    const members = [...this.#belief.members(now).values()];
    return members.filter(({ frame }) => frame.id !== this.#options.nodeId).map((each) => viewOf(each, now));
  }

  #tell(): void {
    const now = this.#clock.now();
    const word = this.#belief.word(now);
    this.#leadership.note(word?.status.leaderId ?? null, word?.status.epoch ?? "0.0", now);
    this.#hub.leader(word?.status.leaderId ?? null, word?.status.term ?? 0);
    this.#hub.quorum(this.#quorum(word));
    if (word !== null && word.voter !== this.#toldVoter) this.#tellMembers();
  }

  #tellMembers(): void {
    const now = this.#clock.now();
    this.#toldVoter = this.#belief.word(now)?.voter ?? this.#toldVoter;
    for (const member of this.#others(now)) this.#hub.member(member);
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
