import type { LinkState, NodeRole } from "@ringrift/protocol";
import type { Epoch } from "./epoch.ts";
import { admit, type Fence, firstFence } from "./fence.ts";
import { createFlapping, damp, type Flapping } from "./flapping.ts";
import { compareIncarnations, type Incarnation, type MemberReason } from "./member.ts";
import type { Observation } from "./membership-input.ts";
import { majority } from "./quorum.ts";

/** What the cluster says of one member. */
export interface ClusterMember {
  readonly member: string;
  readonly role: NodeRole;
  readonly incarnation: Incarnation;
  readonly state: LinkState;
  readonly reason: MemberReason;
  /** Servers whose views the state rests on. */
  readonly accusers: readonly string[];
}

/** Who decides at this server: itself while its lease holds, another leader, or nobody. */
export type Standing = "leader" | "follower" | "leaderless";

export type VerdictInput =
  /** Observations of one server, this one included; members that they do not name keep their last view. */
  | { readonly type: "view"; readonly from: string; readonly observations: readonly Observation[] }
  /** `leader` only while the lease and a quorum are held. */
  | { readonly type: "standing"; readonly standing: Standing; readonly epoch: Epoch }
  /** The leader's list, as its status carries it. */
  | { readonly type: "adopt"; readonly epoch: Epoch; readonly members: readonly ClusterMember[] }
  | { readonly type: "tick" };

export interface VerdictOptions {
  readonly self: string;
  readonly servers: readonly string[];
  /** A server's view older than this counts for nothing; 3,000 when unset. */
  readonly viewFreshMs?: number;
  /** Beyond this many, members listed first that are left or down are forgotten, or newcomers ignored; 20,000 when unset. */
  readonly maxMembers?: number;
}

interface View {
  readonly observation: Observation;
  readonly receivedAt: number;
}

/** The cluster's list of members at one server; only `decide` changes it. */
export interface Verdict {
  readonly self: string;
  readonly servers: readonly string[];
  readonly viewFreshMs: number;
  readonly maxMembers: number;
  readonly members: Map<string, ClusterMember>;
  standing: Standing;
  fence: Fence;
  /** Per member, per server. */
  readonly views: Map<string, Map<string, View>>;
  /** Members that were down since they were listed. */
  readonly flapping: Map<string, Flapping>;
}

export function createVerdict(options: VerdictOptions): Verdict {
  return {
    self: options.self,
    servers: options.servers,
    viewFreshMs: options.viewFreshMs ?? 3_000,
    maxMembers: options.maxMembers ?? 20_000,
    members: new Map(),
    standing: "leaderless",
    fence: firstFence,
    views: new Map(),
    flapping: new Map(),
  };
}

/** Advances the list by one input and returns the members whose state changed; `now` is monotonic milliseconds. */
export function decide(verdict: Verdict, input: VerdictInput, now: number): ClusterMember[] {
  switch (input.type) {
    case "view":
      return takeView(verdict, input.from, input.observations, now);
    case "standing":
      if (!pass(verdict, input.epoch)) return [];
      verdict.standing = input.standing;
      return weighAll(verdict, now);
    case "adopt":
      return adopt(verdict, input.epoch, input.members);
    case "tick":
      return weighAll(verdict, now);
  }
}

function takeView(
  verdict: Verdict,
  from: string,
  observations: readonly Observation[],
  now: number,
): ClusterMember[] {
  if (!verdict.servers.includes(from)) return [];
  const changes: ClusterMember[] = [];
  for (const observation of observations) {
    const known = verdict.views.get(observation.member);
    if (known === undefined && !makeRoom(verdict)) continue;
    const views = known ?? new Map<string, View>();
    views.set(from, { observation, receivedAt: now });
    verdict.views.set(observation.member, views);
    changes.push(...weigh(verdict, observation.member, views, now));
  }
  return changes;
}

function makeRoom(verdict: Verdict): boolean {
  if (verdict.views.size < verdict.maxMembers) return true;
  for (const { member, state } of verdict.members.values()) {
    if (state !== "left" && state !== "down") continue;
    verdict.members.delete(member);
    verdict.views.delete(member);
    verdict.flapping.delete(member);
    return verdict.views.size < verdict.maxMembers;
  }
  return false;
}

/** Followers take the leader's word whole; an older leader's word, or one about an older life, changes nothing. */
function adopt(verdict: Verdict, epoch: Epoch, members: readonly ClusterMember[]): ClusterMember[] {
  if (verdict.standing === "leader" || !pass(verdict, epoch)) return [];
  verdict.standing = "follower";
  return members.flatMap((member) => record(verdict, member));
}

/** Whether the word of this epoch's leader counts; from then on no earlier one's does. */
function pass(verdict: Verdict, epoch: Epoch): boolean {
  const { accepted, fence } = admit(verdict.fence, epoch);
  verdict.fence = fence;
  return accepted;
}

function weighAll(verdict: Verdict, now: number): ClusterMember[] {
  return [...verdict.views].flatMap(([member, views]) => weigh(verdict, member, views, now));
}

/** Decides one member from the views of the servers that should see it. */
function weigh(
  verdict: Verdict,
  member: string,
  views: ReadonlyMap<string, View>,
  now: number,
): ClusterMember[] {
  const newest = newestObservation(views);
  if (newest === undefined) return [];
  const { role, incarnation, homes } = newest;
  const votes: Record<LinkState, number> = { alive: 0, suspect: 0, down: 0, left: 0 };
  const reasons: Partial<Record<LinkState, MemberReason>> = {};
  const counts = (from: string, view: View): boolean =>
    homes.includes(from) &&
    isFresh(verdict, from, view, now) &&
    compareIncarnations(view.observation.incarnation, incarnation) === 0;
  for (const [from, view] of views) {
    if (!counts(from, view)) continue;
    const { state, reason } = view.observation;
    votes[state] += 1;
    reasons[state] ??= reason;
  }
  const known = verdict.members.get(member);
  const sameLife = known !== undefined && compareIncarnations(known.incarnation, incarnation) === 0;
  const judged = outcome(verdict.standing, votes, homes, sameLife ? known.state : null);
  if (judged === null) return [];
  const state = damped(verdict, member, judged, now);
  const flaps = state === "suspect" && judged === "alive";
  const reason = flaps ? "flapping" : (reasons[state] ?? reasons.down ?? newest.reason);
  // Nearly every weighing ends here: thousands of members are alive and stay so.
  if (sameLife && state === "alive" && known.state === "alive" && known.reason === reason) return [];
  const accusers: string[] = [];
  for (const [from, view] of views) {
    const saying = view.observation.state;
    const accuses = saying === state || (state === "suspect" && saying === "down");
    if (accuses && counts(from, view)) accusers.push(from);
  }
  return record(verdict, { member, role, incarnation, state, reason, accusers: accusers.sort() });
}

/** What the votes come to; null: nothing that this server may say, or nothing new. `before`: what was said of this life. */
function outcome(
  standing: Standing,
  votes: Readonly<Record<LinkState, number>>,
  homes: readonly string[],
  before: LinkState | null,
): LinkState | null {
  if (votes.left > 0) return "left";
  if (standing === "follower") return null;
  if (standing === "leader" && votes.down >= majority(homes.length)) return "down";
  if (votes.alive > 0) return "alive";
  return before === "down" ? null : "suspect";
}

function damped(verdict: Verdict, member: string, judged: LinkState, now: number): LinkState {
  const known = verdict.flapping.get(member);
  if (known === undefined && judged !== "down") return judged;
  const flapping = known ?? createFlapping();
  verdict.flapping.set(member, flapping);
  return damp(flapping, judged, now);
}

function newestObservation(views: ReadonlyMap<string, View>): Observation | undefined {
  let newest: Observation | undefined;
  for (const { observation } of views.values()) {
    if (newest === undefined || compareIncarnations(observation.incarnation, newest.incarnation) > 0) {
      newest = observation;
    }
  }
  return newest;
}

/** A server that fell silent has no say, and this server's own view is always current. */
function isFresh(verdict: Verdict, from: string, view: View, now: number): boolean {
  return from === verdict.self || now - view.receivedAt <= verdict.viewFreshMs;
}

function record(verdict: Verdict, next: ClusterMember): ClusterMember[] {
  const known = verdict.members.get(next.member);
  if (known === undefined && verdict.members.size >= verdict.maxMembers) return [];
  if (known !== undefined) {
    const age = compareIncarnations(next.incarnation, known.incarnation);
    if (age < 0 || (age === 0 && known.state === "left")) return [];
  }
  verdict.members.set(next.member, next);
  return known?.state === next.state ? [] : [next];
}
