import type { Frame, ReportFrame } from "@ringrift/protocol";
import type { Announcer } from "./announcer.ts";
import { sendAll } from "./broadcast.ts";
import { parseEpoch } from "./core/epoch.ts";
import type { Refusal } from "./core/membership.ts";
import type { Counts } from "./counts.ts";
import type { Elector } from "./elector.ts";
import type { EventHub } from "./event-hub.ts";
import type { Link } from "./link.ts";
import { peerKey } from "./link-table.ts";
import type { MeshElector } from "./mesh-elector.ts";
import type { Proposals } from "./proposals.ts";
import type { Refusals } from "./refusals.ts";
import type { Roster } from "./roster.ts";
import type { ServerLinks } from "./server-links.ts";

type FromServer = Extract<Frame, { type: "election" | "observations" | "verdict" }>;

export interface ServerInboxOptions {
  readonly roster: Roster;
  readonly links: ServerLinks;
  readonly hub: EventHub;
  readonly elector: Elector;
  /** Null when another back end decides: then no frame can make a leader. */
  readonly ballots: MeshElector | null;
  readonly announcer: Announcer;
  readonly proposals: Proposals;
  readonly refusals: Refusals;
  readonly dropped: Counts;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
}

/** Takes what peers say to where it belongs; which peer may say what is checked by the link. */
export class ServerInbox {
  readonly #options: ServerInboxOptions;

  constructor(options: ServerInboxOptions) {
    this.#options = options;
  }

  /** A peer has connected. False when its life is not taken, and its link was cut. */
  hello(link: Link): boolean {
    const { roster, now } = this.#options;
    const { peer } = link;
    roster.introduce(peer);
    const incarnation = { boot: peer.boot, counter: 0 };
    const { refusal } = roster.observe(
      { type: "hello", member: peerKey(peer), role: peer.role, incarnation },
      now(),
    );
    if (refusal !== null) this.#refuse(link, refusal);
    return refusal === null;
  }

  /** The last link of a peer is gone. */
  lost(link: Link): void {
    if (link.left) return;
    const { roster, now } = this.#options;
    const key = peerKey(link.peer);
    const incarnation = roster.incarnationOf(key);
    // A close says something of the life whose link it was, not of one that came after.
    if (incarnation?.boot === link.peer.boot)
      roster.observe({ type: "close", member: key, incarnation }, now());
  }

  /** A voter's host refuses connections. */
  hostRefused(voter: string): void {
    const { roster, now } = this.#options;
    const incarnation = roster.incarnationOf(voter);
    if (incarnation !== null) roster.observe({ type: "refused", member: voter, incarnation }, now());
  }

  receive(link: Link, frame: Frame): void {
    if (link.left) return;
    switch (frame.type) {
      case "heartbeat":
        this.#heartbeat(link, frame);
        break;
      case "leave":
        this.#leave(link);
        break;
      case "report":
        this.#report(link, frame);
        break;
      case "clock_query":
        link.send({ type: "clock_reply", askedAt: frame.askedAt, wallMs: this.#options.wallMs() });
        break;
      case "propose":
      case "proposed":
        this.#options.proposals.receive(link, frame);
        break;
      case "election":
      case "observations":
      case "verdict":
        this.#fromServer(peerKey(link.peer), frame);
    }
  }

  /** The peer's process runs, though it says nothing. */
  pulse(link: Link): void {
    const { roster, now } = this.#options;
    const member = peerKey(link.peer);
    const incarnation = roster.incarnationOf(member);
    if (!link.left && incarnation?.boot === link.peer.boot)
      roster.observe({ type: "heartbeat", member, incarnation }, now());
  }

  #heartbeat(link: Link, frame: Extract<Frame, { type: "heartbeat" }>): void {
    const { roster, elector, now } = this.#options;
    if (link.peer.role === "server") elector.hearEpoch(parseEpoch(frame.epoch));
    const incarnation = { boot: link.peer.boot, counter: frame.incarnation.counter };
    const { refusal } = roster.observe({ type: "heartbeat", member: peerKey(link.peer), incarnation }, now());
    if (refusal !== null) this.#refuse(link, refusal);
  }

  #leave(link: Link): void {
    const { roster, links, now } = this.#options;
    const key = peerKey(link.peer);
    for (const each of links.of(key)) each.left = true;
    const incarnation = roster.incarnationOf(key) ?? { boot: link.peer.boot, counter: 0 };
    roster.observe({ type: "leave", member: key, incarnation }, now());
  }

  #report(link: Link, frame: ReportFrame): void {
    const { links, hub } = this.#options;
    const { nodeId, report } = frame;
    if (link.peer.role === "server") {
      // What comes on a node's own link is newer than what another server passes on.
      if (nodeId === link.peer.nodeId || !links.has(nodeId)) hub.report(nodeId, report);
    } else if (nodeId !== link.peer.nodeId) link.end("role", "a report of another node");
    else {
      hub.report(nodeId, report);
      sendAll(links.servers(), frame);
    }
  }

  #fromServer(voter: string, frame: FromServer): void {
    const { roster, elector, ballots, announcer, dropped, now } = this.#options;
    if (frame.type === "election") {
      if (ballots === null) dropped.add("unwanted_election");
      else ballots.receive(voter, frame.message);
    } else if (frame.type === "observations") {
      roster.hearObservations(voter, frame.observations, now());
    } else {
      const { leader, epoch } = elector.view();
      if (voter === leader && frame.term === epoch.term) {
        roster.adopt(epoch, frame.members, now());
        announcer.flush();
      } else dropped.add("stale_verdict");
    }
  }

  #refuse(link: Link, refusal: Refusal): void {
    if (refusal === "unknown") return;
    this.#options.refusals.add(refusal === "full" ? "too_many" : "old_incarnation", link.peer, refusal);
    link.end("old_incarnation", refusal);
  }
}
