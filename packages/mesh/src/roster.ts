import type { NodeRole, ObservationFrame, PeerIdentity, VerdictMemberFrame } from "@ringrift/protocol";
import { compareEpochs, type Epoch } from "./core/epoch.ts";
import { countAgents } from "./core/mass-failure.ts";
import {
  createMembership,
  defaultMembershipTiming,
  type Incarnation,
  type Membership,
  type MembershipInput,
  type MembershipResult,
  type Observation,
  observationOf,
  observations,
  observe,
} from "./core/membership.ts";
import { type ClusterMember, createVerdict, decide, type Standing, type Verdict } from "./core/verdict.ts";
import { peerKey } from "./link-table.ts";
import type { MassFailureView, MemberView } from "./mesh.ts";

/** Names that may be known beside those of members before it is looked which are needed. */
const namesInPassing = 100;

interface Card {
  readonly nodeId: string;
  readonly version: string;
}

/** What this server sees of the members, what the cluster says of them, and how they are called. */
export class Roster {
  readonly #self: string;
  readonly #membership: Membership;
  readonly #verdict: Verdict;
  readonly #cards = new Map<string, Card>();
  /** Members whose own view changed since it was last shared. */
  readonly #unshared = new Set<string>();
  /** Members whose verdict changed since it was last taken. */
  readonly #changed = new Set<string>();

  constructor(self: string, servers: readonly string[], heartbeatMs: number, now: number) {
    this.#self = self;
    // Suspicion is time for a reconnect; with slow heartbeats it grows with them, with fast ones it stays.
    const suspicionMs = Math.max(defaultMembershipTiming.suspicionMs, heartbeatMs);
    const timing = { ...defaultMembershipTiming, heartbeatMs, suspicionMs };
    this.#membership = createMembership({ self, servers, timing }, now);
    this.#verdict = createVerdict({ self, servers, viewFreshMs: Math.max(3_000, 3 * heartbeatMs) });
  }

  /** Feeds the membership core; what it concludes goes to the verdict at once. */
  observe(input: MembershipInput, now: number): MembershipResult {
    const result = observe(this.#membership, input, now);
    for (const { member: id } of result.transitions) {
      const member = this.#membership.members.get(id);
      if (member === undefined || !member.homes.includes(this.#self)) continue;
      this.#unshared.add(id);
      this.#note(
        decide(
          this.#verdict,
          { type: "view", from: this.#self, observations: [observationOf(this.#membership, member, now)] },
          now,
        ),
      );
    }
    return result;
  }

  introduce(peer: Pick<PeerIdentity, "voter" | "nodeId" | "programVersion">): void {
    this.#cards.set(peerKey(peer), { nodeId: peer.nodeId, version: peer.programVersion });
  }

  hearObservations(from: string, frames: readonly ObservationFrame[], now: number): void {
    for (const { programVersion, nodeId, ...observation } of frames) {
      const { member, role } = observation;
      const name = role === "agent" ? member : nodeId;
      // Before the observation counts: nobody is to hear of a server by its voter id.
      if (name !== undefined && !this.#cards.has(member))
        this.#cards.set(member, { nodeId: name, version: programVersion });
      this.observe({ type: "observation", from, observation }, now);
    }
    this.#note(decide(this.#verdict, { type: "view", from, observations: frames }, now));
  }

  adopt(epoch: Epoch, members: readonly VerdictMemberFrame[], now: number): void {
    this.#note(decide(this.#verdict, { type: "adopt", epoch, members }, now));
  }

  stand(standing: Standing, epoch: Epoch, now: number): void {
    if (this.#verdict.standing === standing && compareEpochs(this.#verdict.fence, epoch) === 0) return;
    this.#note(decide(this.#verdict, { type: "standing", standing, epoch }, now));
  }

  tickMembership(loopLagMs: number, now: number): void {
    this.observe({ type: "tick", loopLagMs }, now);
  }

  /** Renews this server's own view in the verdict and lets old views of others expire. */
  tickVerdict(now: number): void {
    this.#forgetNames();
    const own = observations(this.#membership, now);
    this.#note(decide(this.#verdict, { type: "view", from: this.#self, observations: own }, now));
    this.#note(decide(this.#verdict, { type: "tick" }, now));
  }

  /** The mass failure that is held back now. */
  massFailure(now: number): MassFailureView | null {
    const { heldSince, members } = this.#membership;
    if (heldSince === null) return null;
    return { ageSeconds: (now - heldSince) / 1000, ...countAgents(members.values()) };
  }

  /** All own views, for the other servers. */
  ownViews(now: number): ObservationFrame[] {
    return observations(this.#membership, now).map((each) => this.#named(each));
  }

  /** The own views that changed since the last call. */
  takeChangedViews(now: number): ObservationFrame[] {
    const members = [...this.#unshared].flatMap((id) => this.#membership.members.get(id) ?? []);
    this.#unshared.clear();
    return members.map((member) => this.#named(observationOf(this.#membership, member, now)));
  }

  /** The members whose verdict changed since the last call. */
  takeChangedVerdicts(): ClusterMember[] {
    const changed = [...this.#changed].flatMap((id) => this.#verdict.members.get(id) ?? []);
    this.#changed.clear();
    return changed;
  }

  /** The newest life that is known of a member. */
  incarnationOf(key: string): Incarnation | null {
    return this.#membership.members.get(key)?.incarnation ?? null;
  }

  verdicts(): ClusterMember[] {
    return [...this.#verdict.members.values()];
  }

  /** How many members there are besides this server. */
  get size(): number {
    return this.#verdict.members.size;
  }

  view(member: ClusterMember, now: number): MemberView {
    const seen = this.#membership.members.get(member.member);
    const heardAt =
      seen === undefined ? Number.NEGATIVE_INFINITY : Math.max(seen.lastHeardAt, seen.relayedAt);
    return {
      id: this.nodeIdOf(member.member),
      role: member.role satisfies NodeRole,
      link: member.state,
      lastSeenSeconds: Number.isFinite(heardAt) ? Math.max(0, now - heardAt) / 1000 : null,
      reason: reasonText[member.reason],
      accusers: member.state === "alive" ? [] : member.accusers.map((id) => this.nodeIdOf(id)),
      version: this.#cards.get(member.member)?.version ?? "",
    };
  }

  /** How people call the peer; its voter id while its node id is not known. */
  nodeIdOf(key: string): string {
    return this.#cards.get(key)?.nodeId ?? key;
  }

  /** Hosts under ever new names must not add up: who is no member any more needs no name. */
  #forgetNames(): void {
    const { members } = this.#membership;
    if (this.#cards.size <= 2 * members.size + namesInPassing) return;
    for (const key of this.#cards.keys())
      if (key !== this.#self && !members.has(key) && !this.#verdict.members.has(key)) this.#cards.delete(key);
  }

  #named(observation: Observation): ObservationFrame {
    const card = this.#cards.get(observation.member);
    return { ...observation, programVersion: card?.version ?? "", nodeId: card?.nodeId };
  }

  #note(changes: readonly ClusterMember[]): void {
    for (const { member } of changes) this.#changed.add(member);
  }
}

const reasonText: Readonly<Record<ClusterMember["reason"], string>> = {
  heard: "heard directly",
  relayed: "heard by another server",
  silence: "heartbeats stopped",
  close: "its link closed without a goodbye",
  refused: "its host refuses connections",
  leave: "it said goodbye",
  other: "for a reason that only a newer server knows",
  flapping: "it comes and goes, and has not stayed for a minute yet",
};
