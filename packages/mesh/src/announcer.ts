import { type StatusHead, sendAll, sendObservations, sendStatus, sendVerdict } from "./broadcast.ts";
import { formatEpoch, parseEpoch } from "./core/epoch.ts";
import type { ClusterMember } from "./core/verdict.ts";
import type { Elector } from "./elector.ts";
import type { EventHub } from "./event-hub.ts";
import type { Link } from "./link.ts";
import type { MemberView, MeshOptions } from "./mesh.ts";
import type { Roster } from "./roster.ts";
import type { ServerLinks } from "./server-links.ts";

/**
 * Up to this many members agents hear of everyone, anew with each heartbeat, so that the ages stay right. Beyond it they
 * hear of the servers alone: what concerns each of thousands, told to each of thousands, would be millions.
 */
const fewMembers = 50;

export interface AnnouncerOptions {
  readonly mesh: MeshOptions;
  readonly voter: string;
  readonly boot: number;
  readonly roster: Roster;
  readonly links: ServerLinks;
  readonly elector: Elector;
  readonly hub: EventHub;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Says what a server knows: to its listeners, to the other servers, to its agents. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  #seq = 0;
  /** Whether the agents were told of everyone last. */
  #toldFew = true;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** What this server says of leader and quorum now. */
  head(): StatusHead {
    const { mesh, voter, links, elector, roster } = this.#options;
    const { leader, epoch, quorum } = elector.view();
    const voters = mesh.servers.map(({ voter: id }) => ({
      id,
      reachable: id === voter || links.reaches(id),
    }));
    return {
      leaderVoter: leader,
      leaderId: leader === null ? null : roster.nodeIdOf(leader),
      term: epoch.term,
      epoch: formatEpoch(epoch),
      quorum: { ...quorum, voters },
    };
  }

  /** Every member as this server lists it, itself first. */
  views(): MemberView[] {
    const { roster, voter, now } = this.#options;
    const at = now();
    const others = roster.verdicts().filter(({ member }) => member !== voter);
    return [this.ownView(), ...others.map((member) => roster.view(member, at))];
  }

  /** Those of the members that agents hear of, this server left out. */
  #viewsOf(members: readonly ClusterMember[]): MemberView[] {
    const { roster, voter, now } = this.#options;
    const at = now();
    const all = roster.size <= fewMembers;
    return members
      .filter(({ member, role }) => member !== voter && (all || role === "server"))
      .map((member) => roster.view(member, at));
  }

  ownView(): MemberView {
    const { nodeId, version } = this.#options.mesh;
    return {
      id: nodeId,
      role: "server",
      link: "alive",
      lastSeenSeconds: 0,
      reason: "this server",
      accusers: [],
      version,
    };
  }

  /** Gives a peer that has just connected the full picture. */
  welcome(link: Link): void {
    const { roster, now } = this.#options;
    if (link.peer.role === "agent") sendStatus([link], this.head(), this.#viewsForAgents(), true);
    else {
      sendObservations([link], roster.ownViews(now()));
      this.sendWholeVerdict([link]);
    }
  }

  /** Tells listeners, servers and agents what changed since the last time. */
  flush(): void {
    const { roster, links, elector, hub, voter, now } = this.#options;
    const at = now();
    const head = this.head();
    const leads = head.leaderVoter === voter;
    const follows = head.leaderVoter !== null && !leads;
    const standing = leads && elector.leaseHeld() ? "leader" : follows ? "follower" : "leaderless";
    roster.stand(standing, parseEpoch(head.epoch), at);
    const servers = links.servers();
    sendObservations(servers, roster.takeChangedViews(at));
    const changed = roster.takeChangedVerdicts();
    hub.massFailure(roster.massFailure(at));
    const leaderChanged = hub.leader(head.leaderId, head.term);
    const quorumChanged = hub.quorum(head.quorum);
    if (leaderChanged) this.sendWholeVerdict(servers);
    else if (leads) sendVerdict(servers, head.term, changed);
    const views = changed.filter(({ member }) => member !== voter).map((member) => roster.view(member, at));
    for (const view of views) hub.member(view);
    const telling = this.#viewsOf(changed);
    if (telling.length > 0 || leaderChanged || quorumChanged)
      sendStatus(links.agents(), head, telling, false);
  }

  /** The regular word to everyone, whether or not anything changed. */
  heartbeat(loopLagMs: number): void {
    const { links, roster, boot, now } = this.#options;
    this.#seq += 1;
    const head = this.head();
    const servers = links.servers();
    sendAll(links.allOfServers(), {
      type: "heartbeat",
      seq: this.#seq,
      incarnation: { boot, counter: 0 },
      loopLagMs,
      epoch: head.epoch,
      leaderId: head.leaderId,
      quorum: { have: head.quorum.have, need: head.quorum.need },
    });
    sendObservations(servers, servers.length > 0 ? roster.ownViews(now()) : []);
    const agents = links.agents();
    const few = roster.size <= fewMembers;
    // The list of everyone is withdrawn once, when there are too many to go on with it.
    const whole = few || this.#toldFew;
    this.#toldFew = few;
    sendStatus(agents, head, whole ? this.#viewsForAgents() : [], whole);
    for (const link of agents) if (link.takeGap("status")) this.welcome(link);
  }

  /** The leader's whole list; nothing unless this server leads. */
  sendWholeVerdict(links: readonly Link[] = this.#options.links.servers()): void {
    const { leaderVoter, term } = this.head();
    const { voter, roster } = this.#options;
    if (leaderVoter === voter) sendVerdict(links, term, roster.verdicts());
  }

  #viewsForAgents(): MemberView[] {
    return [this.ownView(), ...this.#viewsOf(this.#options.roster.verdicts())];
  }
}
