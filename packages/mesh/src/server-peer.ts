import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type Frame, maxMembersPerFrame, type PeerIdentity, type ReportFrame } from "@ringrift/protocol";
import { Acceptor, refuseUpgrade } from "./acceptor.ts";
import type { LocalPeer, RefusalReason } from "./auth.ts";
import { type Beat, everyTicks, startBeat, tickMs } from "./beat.ts";
import { type StatusHead, sendAll, sendObservations, sendStatus, sendVerdict } from "./broadcast.ts";
import { formatEpoch, parseEpoch } from "./core/epoch.ts";
import type { Refusal } from "./core/membership.ts";
import { Counts } from "./counts.ts";
import { Dialer } from "./dialer.ts";
import type { Elector } from "./elector.ts";
import { EventHub } from "./event-hub.ts";
import type { HandshakeClock } from "./handshake.ts";
import type { Link, LinkEnd } from "./link.ts";
import { LinkTable, peerKey } from "./link-table.ts";
import type { MemberView, Mesh, MeshEvent, MeshOptions, MeshStatus } from "./mesh.ts";
import { MeshElector } from "./mesh-elector.ts";
import { MeshError } from "./mesh-error.ts";
import { Roster } from "./roster.ts";

const serverBackOff = { firstMs: 100, capMs: 1_000 };
/** Silent heartbeats after which a link is cut; suspicion comes far earlier. */
const silentHeartbeats = 10;
const shortestSilenceMs = 10_000;
/** Beyond this many members agents hear of servers and of those that are not alive, not of everyone. */
const maxMembersForAgents = maxMembersPerFrame;
/** Up to this many members are told anew with each heartbeat, so that their ages stay right. */
const fewMembers = 50;
const wholeVerdictMs = 10_000;
const verdictTickMs = 500;
const membershipTickMs = 100;

/** A server's part: votes, watches everyone, answers agents. */
export class ServerPeer implements Mesh {
  readonly #options: MeshOptions;
  readonly #local: LocalPeer;
  readonly #clock: HandshakeClock;
  readonly #voter: string;
  readonly #voters: readonly string[];
  readonly #refused = new Counts();
  readonly #dropped = new Counts();
  readonly #links = new LinkTable();
  readonly #dialers = new Map<string, Dialer>();
  readonly #hub: EventHub;
  readonly #roster: Roster;
  readonly #acceptor: Acceptor;
  readonly #elector: Elector;
  /** The elector that votes over the mesh; null when another back end decides, and no frame can make a leader. */
  readonly #ballots: MeshElector | null;
  #running = false;
  #beat: Beat | null = null;
  #seq = 0;
  #stopping: Promise<void> | null = null;
  #heldLogged = false;

  constructor(options: MeshOptions, local: LocalPeer, voter: string, clock: HandshakeClock) {
    this.#options = options;
    this.#local = local;
    this.#voter = voter;
    this.#clock = clock;
    this.#voters = local.voters;
    this.#hub = new EventHub(options.log, "info");
    this.#roster = new Roster(voter, this.#voters, options.heartbeatIntervalMs, clock.now());
    this.#roster.introduce(local);
    if (options.elector === undefined) {
      const ballots = new MeshElector({
        self: voter,
        voters: this.#voters,
        dataDir: options.dataDir,
        now: clock.now,
        random: Math.random,
        send: (to, message) => this.#sendTo(to, { type: "election", message }),
        log: options.log,
      });
      this.#ballots = ballots;
      this.#elector = ballots;
    } else {
      this.#ballots = null;
      this.#elector = options.elector;
    }
    this.#acceptor = new Acceptor({
      local,
      clock,
      admit: (peer) => this.#admit(peer),
      onLink: (link) => this.#open(link),
      onRefused: (reason, peer, address) => this.#countRefusal(reason, peer, address),
    });
  }

  async start(): Promise<void> {
    const { servers, heartbeatIntervalMs } = this.#options;
    await this.#elector.start(() => this.#flush());
    this.#running = true;
    for (const server of servers) {
      if (server.voter !== this.#voter)
        this.#dialers.set(server.voter, this.#dialer(server.voter, server.url));
    }
    this.#hub.member(this.#ownView());
    // The first tick comes at once, so that a single server leads when this returns.
    const heartbeatDue = everyTicks(heartbeatIntervalMs);
    const membershipDue = everyTicks(membershipTickMs);
    const verdictDue = everyTicks(verdictTickMs);
    const wholeVerdictDue = everyTicks(wholeVerdictMs);
    const silenceTicks = Math.max(shortestSilenceMs, silentHeartbeats * heartbeatIntervalMs) / tickMs;
    const tick = (lagMs: number): void => {
      const now = this.#clock.now();
      this.#ballots?.tick();
      this.#links.endQuiet(silenceTicks);
      if (membershipDue()) this.#roster.tickMembership(lagMs, now);
      if (verdictDue()) this.#roster.tickVerdict(now);
      this.#flush();
      if (heartbeatDue()) this.#heartbeat();
      if (wholeVerdictDue()) this.#sendWholeVerdict(this.#servers());
    };
    this.#beat = startBeat(this.#clock.now, tick);
    tick(0);
    for (const dialer of this.#dialers.values()) dialer.start();
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!this.#running || this.#stopping !== null) {
      this.#refused.add("not_running");
      refuseUpgrade(socket, "503 Service Unavailable");
    } else this.#acceptor.handleUpgrade(request, socket, head);
  }

  status(): MeshStatus {
    const now = this.#clock.now();
    const { leaderVoter, ...head } = this.#head();
    const { leaseAgeMs, detail } = this.#elector.view();
    return {
      ...head,
      elector: { kind: this.#elector.kind, detail },
      isLeader: leaderVoter === this.#voter,
      statusAgeSeconds: 0,
      leaseAgeMs,
      members: this.#views(),
      refused: this.#refused.snapshot(),
      dropped: this.#dropped.snapshot(),
      links: this.#links.all().map((link) => ({
        peer: link.peer.nodeId,
        direction: link.direction,
        sinceSeconds: (now - link.openedAt) / 1000,
      })),
    };
  }

  sendReport(): void {
    throw new MeshError("A server has no report of its own to send.", {
      code: "WRONG_ROLE",
      nextStep: "Send reports from an agent.",
    });
  }

  onEvent(listener: (event: MeshEvent) => void): () => void {
    return this.#hub.listen(listener);
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
    for (const dialer of this.#dialers.values()) dialer.stop();
    if (this.#running) await this.#elector.resign();
    this.#beat?.stop();
    const links = this.#links.all();
    for (const link of links) {
      link.send({ type: "leave" });
      link.close();
    }
    // A peer that hangs must not hold the stop up, and one that answers needs only a moment.
    if (links.length > 0) await pause(100);
    this.#acceptor.stop();
    this.#running = false;
    await this.#elector.stop();
  }

  #dialer(voter: string, url: string): Dialer {
    return new Dialer({
      server: { voter, url },
      local: this.#local,
      clock: this.#clock,
      backOff: serverBackOff,
      random: Math.random,
      admit: (peer) => this.#admit(peer),
      onLink: (link) => this.#open(link),
      onConnectionRefused: () => {
        if (this.#links.has(voter)) return;
        this.#ballots?.linkDown(voter, true);
        const known = this.#roster.incarnationOf(voter);
        if (known !== null)
          this.#roster.observe({ type: "refused", member: voter, incarnation: known }, this.#clock.now());
      },
      onPeerRefused: (reason, peer) => this.#countRefusal(reason, peer, url),
    });
  }

  #admit(peer: PeerIdentity): RefusalReason | null {
    // A link that missed three heartbeats no longer keeps a new process of the same node out.
    return this.#links.problemWith(peer, (3 * this.#options.heartbeatIntervalMs) / tickMs);
  }

  #countRefusal(reason: RefusalReason, peer: PeerIdentity | null, address: string): void {
    this.#refused.add(reason);
    const { nodeId, role, kid } = peer ?? {};
    this.#options.log("warn", "a peer was refused", { reason, address, nodeId, role, kid });
  }

  #open(link: Link): void {
    const { peer } = link;
    const key = peerKey(peer);
    link.listen({
      onFrame: (frame) => this.#receive(link, frame),
      onDrop: (what) => this.#dropped.add(what),
      onEnd: (end, detail) => this.#closed(link, end, detail),
    });
    if (this.#stopping !== null) {
      link.close();
      return;
    }
    this.#links.add(link);
    const now = this.#clock.now();
    this.#roster.introduce(peer);
    const incarnation = { boot: peer.boot, counter: 0 };
    const { refusal } = this.#roster.observe(
      { type: "hello", member: key, role: peer.role, incarnation },
      now,
    );
    if (refusal !== null) {
      this.#refuseMember(link, refusal);
      return;
    }
    this.#options.log("info", "a link is open", {
      nodeId: peer.nodeId,
      role: peer.role,
      direction: link.direction,
    });
    if (peer.role === "agent") sendStatus([link], this.#head(), this.#viewsForAgents(), true);
    else {
      this.#ballots?.linkUp(key);
      sendObservations([link], this.#roster.ownViews(now));
      this.#sendWholeVerdict([link]);
    }
    // The rest hear of it at the next tick: thousands may connect at once.
  }

  #refuseMember(link: Link, refusal: Refusal): void {
    if (refusal === "unknown") return;
    this.#refused.add(refusal === "full" ? "too_many" : "old_incarnation");
    link.end("old_incarnation", refusal);
  }

  #closed(link: Link, end: LinkEnd, detail: string): void {
    const { peer, direction } = link;
    const key = peerKey(peer);
    if (end === "bad_frame" || end === "frame_too_large" || end === "role")
      this.#countRefusal(end, peer, detail);
    if (end === "slow_peer") this.#dropped.add("slow_peer");
    const last = this.#links.remove(link);
    this.#options.log("info", "a link has ended", { nodeId: peer.nodeId, direction, end, detail });
    if (direction === "out") this.#dialers.get(key)?.linkEnded();
    if (!last || this.#stopping !== null) return;
    if (peer.role === "server") this.#ballots?.linkDown(key, false);
    if (!link.left) {
      const incarnation = this.#roster.incarnationOf(key);
      // A close says something of the life whose link it was, not of one that came after.
      if (incarnation?.boot === peer.boot)
        this.#roster.observe({ type: "close", member: key, incarnation }, this.#clock.now());
    }
  }

  #receive(link: Link, frame: Frame): void {
    if (link.left) return;
    const key = peerKey(link.peer);
    const now = this.#clock.now();
    switch (frame.type) {
      case "heartbeat": {
        if (link.peer.role === "server") this.#elector.hearEpoch(parseEpoch(frame.epoch));
        const incarnation = { boot: link.peer.boot, counter: frame.incarnation.counter };
        const { refusal } = this.#roster.observe({ type: "heartbeat", member: key, incarnation }, now);
        if (refusal !== null) this.#refuseMember(link, refusal);
        return;
      }
      case "leave": {
        for (const each of this.#links.of(key)) each.left = true;
        const incarnation = this.#roster.incarnationOf(key) ?? { boot: link.peer.boot, counter: 0 };
        this.#roster.observe({ type: "leave", member: key, incarnation }, now);
        return;
      }
      case "report":
        this.#receiveReport(link, frame);
        return;
      case "election":
      case "observations":
      case "verdict":
        if (link.peer.role === "server") this.#receiveFromServer(key, frame, now);
        else link.end("role", frame.type);
        return;
      default:
        // Status is for agents, and handshakes are over.
        link.end("role", frame.type);
    }
  }

  #receiveReport(link: Link, frame: ReportFrame): void {
    const { nodeId, report } = frame;
    if (link.peer.role === "server") {
      // What comes on the agent's own link is newer than what another server passes on.
      if (!this.#links.has(nodeId)) this.#hub.report(nodeId, report);
    } else if (nodeId !== link.peer.nodeId) link.end("role", "a report of another node");
    else {
      this.#hub.report(nodeId, report);
      sendAll(this.#servers(), frame);
    }
  }

  #receiveFromServer(
    voter: string,
    frame: Extract<Frame, { type: "election" | "observations" | "verdict" }>,
    now: number,
  ): void {
    if (frame.type === "election") {
      if (this.#ballots === null) this.#dropped.add("unwanted_election");
      else this.#ballots.receive(voter, frame.message);
    } else if (frame.type === "observations") {
      this.#roster.hearObservations(voter, frame.observations, now);
    } else {
      const { leader, epoch } = this.#elector.view();
      if (voter === leader && frame.term === epoch.term) {
        this.#roster.adopt(frame.term, frame.members, now);
        this.#flush();
      } else this.#dropped.add("stale_verdict");
    }
  }

  /** Tells listeners, servers and agents what changed since the last time. */
  #flush(): void {
    if (!this.#running) return;
    const now = this.#clock.now();
    const head = this.#head();
    const leads = head.leaderVoter === this.#voter;
    const follows = head.leaderVoter !== null && !leads;
    const standing = leads && this.#elector.leaseHeld() ? "leader" : follows ? "follower" : "leaderless";
    this.#roster.stand(standing, head.term, now);
    sendObservations(this.#servers(), this.#roster.takeChangedViews(now));
    const changed = this.#roster.takeChangedVerdicts();
    const leaderChanged = this.#hub.leader(head.leaderId, head.term);
    const quorumChanged = this.#hub.quorum(head.quorum);
    if (leaderChanged) this.#sendWholeVerdict(this.#servers());
    else if (leads) sendVerdict(this.#servers(), head.term, changed);
    const views = changed
      .filter(({ member }) => member !== this.#voter)
      .map((member) => this.#roster.view(member, now));
    for (const view of views) this.#hub.member(view);
    const telling = this.#worthTellingAgents(views);
    if (telling.length > 0 || leaderChanged || quorumChanged)
      sendStatus(this.#agents(), head, telling, false);
    this.#logHold();
  }

  #logHold(): void {
    const { held } = this.#roster;
    if (held === this.#heldLogged) return;
    this.#heldLogged = held;
    const message = held
      ? "many agents are suspect at once: nobody is declared down meanwhile"
      : "the hold on declaring nodes down is over";
    this.#options.log("warn", message);
  }

  #heartbeat(): void {
    this.#seq += 1;
    const { epoch, leaderId, ...head } = this.#head();
    const servers = this.#servers();
    sendAll(servers, {
      type: "heartbeat",
      seq: this.#seq,
      incarnation: { boot: this.#local.boot, counter: 0 },
      loopLagMs: this.#beat?.takeLagMs() ?? 0,
      epoch,
      leaderId,
    });
    sendObservations(servers, servers.length > 0 ? this.#roster.ownViews(this.#clock.now()) : []);
    const few = this.#roster.size <= fewMembers;
    sendStatus(this.#agents(), { ...head, epoch, leaderId }, few ? this.#viewsForAgents() : [], few);
  }

  #views(): MemberView[] {
    const now = this.#clock.now();
    const others = this.#roster.verdicts().filter(({ member }) => member !== this.#voter);
    return [this.#ownView(), ...others.map((member) => this.#roster.view(member, now))];
  }

  #viewsForAgents(): MemberView[] {
    return this.#worthTellingAgents(this.#views());
  }

  #worthTellingAgents(views: readonly MemberView[]): MemberView[] {
    const all = this.#roster.size <= maxMembersForAgents;
    return views.filter(({ role, link }) => all || role === "server" || link !== "alive");
  }

  #servers(): Link[] {
    return [...this.#links.peers("server")];
  }

  #agents(): Link[] {
    return [...this.#links.peers("agent")];
  }

  #sendWholeVerdict(links: readonly Link[]): void {
    const { leaderVoter, term } = this.#head();
    if (leaderVoter === this.#voter) sendVerdict(links, term, this.#roster.verdicts());
  }

  #sendTo(voter: string, frame: Frame): void {
    const sent = this.#links.of(voter).some((link) => link.send(frame));
    if (!sent) this.#dropped.add("unreachable_voter");
  }

  #head(): StatusHead {
    const { leader, epoch, quorum } = this.#elector.view();
    const voters = this.#voters.map((id) => ({ id, reachable: id === this.#voter || this.#links.has(id) }));
    return {
      leaderVoter: leader,
      leaderId: leader === null ? null : this.#roster.nodeIdOf(leader),
      term: epoch.term,
      epoch: formatEpoch(epoch),
      quorum: { ...quorum, voters },
    };
  }

  #ownView(): MemberView {
    return {
      id: this.#options.nodeId,
      role: "server",
      link: "alive",
      lastSeenSeconds: 0,
      reason: "this server",
      accusers: [],
      version: this.#options.version,
    };
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
