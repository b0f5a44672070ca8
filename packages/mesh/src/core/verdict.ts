import type { LinkState, NodeRole } from "@ringrift/protocol";
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
  | { readonly type: "standing"; readonly standing: Standing; readonly epoch: number }
  /** The leader's list, as its status carries it. */
  | { readonly type: "adopt"; readonly epoch: number; readonly members: readonly ClusterMember[] }
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
  /** Highest epoch whose leader this server has followed. */
  epoch: number;
  /** Per member, per server. */
  readonly views: Map<string, Map<string, View>>;
}

export function createVerdict(options: VerdictOptions): Verdict {
  return {
    self: options.self,
    servers: options.servers,
    viewFreshMs: options.viewFreshMs ?? 3_000,
    maxMembers: options.maxMembers ?? 20_000,
    members: new Map(),
    standing: "leaderless",
    epoch: 0,
    views: new Map(),
  };
}

/** Advances the list by one input and returns the members whose state changed; `now` is monotonic milliseconds. */
export function decide(verdict: Verdict, input: VerdictInput, now: number): ClusterMember[] {
  switch (input.type) {
    case "view":
      return takeView(verdict, input.from, input.observations, now);
    case "standing":
      if (input.epoch < verdict.epoch) return [];
      verdict.standing = input.standing;
      verdict.epoch = input.epoch;
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
    return verdict.views.size < verdict.maxMembers;
  }
  return false;
}

/** Followers take the leader's word whole; an older leader's word, or one about an older life, changes nothing. */
function adopt(verdict: Verdict, epoch: number, members: readonly ClusterMember[]): ClusterMember[] {
  if (epoch < verdict.epoch || verdict.standing === "leader") return [];
  verdict.epoch = epoch;
  verdict.standing = "follower";
  return members.flatMap((member) => record(verdict, member));
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
  const current: [string, Observation][] = [...views]
    .filter(([from, view]) => homes.includes(from) && isFresh(verdict, from, view, now))
    .map(([from, view]): [string, Observation] => [from, view.observation])
    .filter(([, observation]) => compareIncarnations(observation.incarnation, incarnation) === 0);
  const saying = (state: LinkState): [string, Observation][] =>
    current.filter(([, observation]) => observation.state === state);
  const outcome = (state: LinkState, from: readonly [string, Observation][]): ClusterMember[] => {
    const accusers = from.map(([server]) => server).sort();
    const reason = from[0]?.[1].reason ?? newest.reason;
    return record(verdict, { member, role, incarnation, state, reason, accusers });
  };

  const left = saying("left");
  if (left.length > 0) return outcome("left", left);
  if (verdict.standing === "follower") return [];
  const down = saying("down");
  if (verdict.standing === "leader" && down.length >= majority(homes.length)) return outcome("down", down);
  const alive = saying("alive");
  if (alive.length > 0) return outcome("alive", alive);
  const known = verdict.members.get(member);
  const stillDown = known?.state === "down" && compareIncarnations(known.incarnation, incarnation) === 0;
  return stillDown ? [] : outcome("suspect", [...saying("suspect"), ...down]);
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
