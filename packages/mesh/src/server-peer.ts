import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { NodeReport } from "@ringrift/protocol";
import { refuseUpgrade } from "./acceptor.ts";
import type { AgreedView } from "./agreed.ts";
import { Announcer } from "./announcer.ts";
import { type LocalPeer, takeTrust } from "./auth.ts";
import { type Beat, everyTicks, startBeat } from "./beat.ts";
import { sendAll } from "./broadcast.ts";
import { defaultElectionTiming } from "./core/election-timing.ts";
import { Counts } from "./counts.ts";
import type { Elector } from "./elector.ts";
import { EventHub } from "./event-hub.ts";
import type { HandshakeClock } from "./handshake.ts";
import { LeadershipRecord } from "./leadership-record.ts";
import type { Link } from "./link.ts";
import type { Mesh, MeshEvent, MeshOptions, MeshStatus } from "./mesh.ts";
import { MeshElector } from "./mesh-elector.ts";
import { MeshError } from "./mesh-error.ts";
import { warningsOf } from "./peer-timing.ts";
import { Proposals } from "./proposals.ts";
import { Refusals } from "./refusals.ts";
import { Roster } from "./roster.ts";
import { ServerInbox } from "./server-inbox.ts";
import { ServerLinks } from "./server-links.ts";
import { steadyTime } from "./steady-time.ts";
import { proofOf, type Trust } from "./trust.ts";

const wholeVerdictMs = 10_000;
const verdictTickMs = 500;
const membershipTickMs = 100;

/** A server's part: votes, watches everyone, answers agents. It wires the parts below and gives them their ticks. */
export class ServerPeer implements Mesh {
  readonly #options: MeshOptions;
  readonly #local: LocalPeer;
  readonly #voter: string;
  readonly #clock: HandshakeClock;
  readonly #refusals: Refusals;
  readonly #dropped = new Counts();
  readonly #hub: EventHub;
  readonly #roster: Roster;
  readonly #elector: Elector;
  /** The elector that votes over the mesh; null when another back end decides, and no frame can make a leader. */
  readonly #ballots: MeshElector | null;
  readonly #links: ServerLinks;
  readonly #announcer: Announcer;
  readonly #proposals: Proposals;
  readonly #inbox: ServerInbox;
  /** Other voters that the elector holds for reachable. */
  readonly #reached = new Set<string>();
  readonly #leadership: LeadershipRecord;
  #beat: Beat | null = null;
  #running = false;
  #stopping: Promise<void> | null = null;

  constructor(options: MeshOptions, local: LocalPeer, voter: string, clock: HandshakeClock) {
    this.#options = options;
    this.#local = local;
    this.#voter = voter;
    this.#clock = clock;
    this.#refusals = new Refusals(clock.now, options.log);
    this.#leadership = new LeadershipRecord(clock.now());
    this.#hub = new EventHub(options.log, "info", clock.now);
    this.#roster = new Roster(voter, local.voters, options.heartbeatIntervalMs, clock.now());
    this.#roster.introduce(local);
    if (options.elector === undefined) {
      this.#ballots = this.#createBallots(local);
      this.#elector = this.#ballots;
    } else {
      this.#ballots = null;
      this.#elector = options.elector;
    }
    const { now } = clock;
    const [roster, hub, refusals, dropped] = [this.#roster, this.#hub, this.#refusals, this.#dropped];
    this.#links = new ServerLinks({
      mesh: options,
      local,
      voter,
      clock,
      refusals,
      dropped,
      onOpen: (link) => this.#opened(link),
      onFrame: (link, frame) => this.#inbox.receive(link, frame),
      onPulse: (link) => this.#inbox.pulse(link),
      onLost: (link) => {
        this.#noteReach();
        this.#inbox.lost(link);
      },
      onHostRefused: (other) => {
        this.#ballots?.linkDown(other, true);
        this.#inbox.hostRefused(other);
      },
    });
    const shared = { roster, hub, links: this.#links, elector: this.#elector, now };
    this.#announcer = new Announcer({ ...shared, mesh: options, voter, boot: local.boot });
    this.#proposals = new Proposals({
      ...shared,
      mesh: options,
      voter,
      dropped,
      assertLeader: () => this.assertLeader(),
    });
    this.#inbox = new ServerInbox({
      ...shared,
      proposals: this.#proposals,
      ballots: this.#ballots,
      announcer: this.#announcer,
      refusals,
      dropped,
      wallMs: clock.wallMs,
    });
  }

  async start(): Promise<void> {
    await this.#elector.start(() => this.#flush());
    this.#running = true;
    this.#hub.member(this.#announcer.ownView());
    const heartbeatDue = everyTicks(this.#options.heartbeatIntervalMs);
    const membershipDue = everyTicks(membershipTickMs);
    const verdictDue = everyTicks(verdictTickMs);
    const wholeVerdictDue = everyTicks(wholeVerdictMs);
    const tick = (lagMs: number): void => {
      const now = this.#clock.now();
      this.#links.tick();
      this.#noteReach();
      this.#ballots?.tick();
      if (membershipDue()) this.#roster.tickMembership(lagMs, now);
      if (verdictDue()) this.#roster.tickVerdict(now);
      this.#flush();
      this.#proposals.tick();
      if (heartbeatDue()) this.#announcer.heartbeat(this.#beat?.takeLagMs() ?? 0);
      if (wholeVerdictDue()) this.#announcer.sendWholeVerdict();
    };
    this.#beat = startBeat(this.#clock.now, tick);
    // The first tick comes at once, so that a single server leads when this returns.
    tick(0);
    this.#links.dial();
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!this.#running || this.#stopping !== null) {
      this.#refusals.add("not_running", null, request.socket.remoteAddress ?? "unknown");
      refuseUpgrade(socket, "503 Service Unavailable");
    } else this.#links.accept(request, socket, head);
  }

  status(): MeshStatus {
    const { leaderVoter, ...head } = this.#announcer.head();
    const { leaseAgeMs, detail } = this.#elector.view();
    return {
      ...head,
      elector: { kind: this.#elector.kind, detail },
      isLeader: leaderVoter === this.#voter,
      statusAgeSeconds: 0,
      leaseAgeMs,
      agreed: this.#elector.agreed(),
      leadership: this.#leadership.view(this.#clock.now()),
      massFailure: this.#roster.massFailure(this.#clock.now()),
      members: this.#announcer.views(),
      proof: proofOf(this.#local.trust, this.#clock.wallMs()),
      refused: this.#refusals.counts(),
      refusedPeers: this.#refusals.newest(),
      dropped: this.#dropped.snapshot(),
      links: this.#links.all().map((link) => link.view()),
      warnings: warningsOf(this.#local.timing, this.#links.all()),
    };
  }

  serverClocks(): readonly [] {
    return [];
  }

  sendReport(report: NodeReport): void {
    const { nodeId } = this.#options;
    sendAll(this.#links.servers(), { type: "report", nodeId, report });
  }

  reload(trust: Trust): void {
    takeTrust(this.#local, trust);
    this.#options.log("info", "new handshakes use the reloaded keys", { ...this.status().proof });
  }

  onEvent(listener: (event: MeshEvent) => void): () => void {
    return this.#hub.listen(listener);
  }

  async propose(proposal: string): Promise<AgreedView> {
    return await this.#proposals.propose(proposal);
  }

  assertLeader(): void {
    if (this.#running && this.#stopping === null && this.#elector.leaseHeld()) return;
    throw new MeshError(`${this.#options.nodeId} does not hold the leader's lease now.`, {
      code: "NOT_LEADER",
      nextStep: "Leave the act to the leader.",
    });
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#links.stopDialling();
    if (this.#running) await this.#elector.resign();
    this.#beat?.stop();
    // A peer that hangs must not hold the stop up, and one that answers needs only a moment.
    if (this.#links.leave()) await pause(100);
    this.#links.stop();
    this.#running = false;
    this.#proposals.stop();
    await this.#elector.stop();
  }

  #createBallots({ voters, timing }: LocalPeer): MeshElector {
    return new MeshElector({
      self: this.#voter,
      voters,
      timing: timing.election ?? defaultElectionTiming,
      dataDir: this.#options.dataDir,
      now: steadyTime(),
      wallMs: this.#clock.wallMs,
      random: Math.random,
      send: (to, message) => {
        const sent = this.#links.of(to).some((link) => link.send({ type: "election", message }));
        if (!sent) this.#dropped.add("unreachable_voter");
      },
      log: this.#options.log,
    });
  }

  #opened(link: Link): void {
    if (!this.#inbox.hello(link)) return;
    this.#noteReach();
    // The rest hear of it at the next tick: thousands may connect at once.
    this.#announcer.welcome(link);
    const report = link.peer.role === "server" ? this.#options.fullReport?.() : undefined;
    if (report !== undefined) link.send({ type: "report", nodeId: this.#options.nodeId, report });
  }

  #flush(): void {
    if (!this.#running) return;
    const { leaderId, epoch } = this.#announcer.head();
    this.#leadership.note(leaderId, epoch, this.#clock.now());
    this.#hub.agreed(this.#elector.agreed());
    this.#announcer.flush();
  }

  /** Tells the elector which voters came into reach and which fell silent. */
  #noteReach(): void {
    for (const { voter } of this.#options.servers) {
      if (voter === this.#voter || this.#links.reaches(voter) === this.#reached.has(voter)) continue;
      if (this.#reached.delete(voter)) this.#ballots?.linkDown(voter, false);
      else {
        this.#reached.add(voter);
        this.#ballots?.linkUp(voter);
      }
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
