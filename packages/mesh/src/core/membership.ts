import { createLocalHealth, type LocalHealth, noteLag } from "./local-health.ts";
import { defaultMassFailureTiming, type MassFailureTiming, massFailure } from "./mass-failure.ts";
import { compareIncarnations, type Member } from "./member.ts";
import type {
  MembershipInput,
  MembershipResult,
  MemberTransition,
  Observation,
  Refusal,
} from "./membership-input.ts";
import { defaultSuspicionTiming, judge, type SuspicionTiming } from "./suspicion.ts";

export type MembershipTiming = SuspicionTiming & MassFailureTiming;

export const defaultMembershipTiming: MembershipTiming = {
  ...defaultSuspicionTiming,
  ...defaultMassFailureTiming,
};

export interface MembershipOptions {
  /** Id of the observing server. */
  readonly self: string;
  /** Ids of all configured servers. */
  readonly servers: readonly string[];
  readonly timing: MembershipTiming;
  /** Beyond this many, newcomers take the place of those longest left or down, or are refused; 20,000 when unset. */
  readonly maxMembers?: number;
}

/** One observer's view of every other member; only `observe` changes it. */
export interface Membership {
  readonly self: string;
  readonly servers: readonly string[];
  readonly timing: MembershipTiming;
  readonly maxMembers: number;
  readonly members: Map<string, Member>;
  readonly localHealth: LocalHealth;
  /** Start of the mass failure that is held back: nobody is newly down, and it is one incident. Null: none. */
  heldSince: number | null;
  /** Silence before this instant is the observer's own. */
  listeningSince: number;
  lastTickAt: number;
}

export function createMembership(options: MembershipOptions, now: number): Membership {
  return {
    self: options.self,
    servers: options.servers,
    timing: options.timing,
    maxMembers: options.maxMembers ?? 20_000,
    members: new Map(),
    localHealth: createLocalHealth(),
    heldSince: null,
    listeningSince: now,
    lastTickAt: now,
  };
}

/** Advances the view by one input; `now` is monotonic milliseconds. Tick at least four times a heartbeat. */
export function observe(view: Membership, input: MembershipInput, now: number): MembershipResult {
  switch (input.type) {
    case "hello":
      return onHello(view, input, now);
    case "observation":
      return onObservation(view, input.from, input.observation, now);
    case "tick":
      return onTick(view, input.loopLagMs ?? 0, now);
    case "heartbeat":
      return update(view, input, now, () => heardNow(now));
    case "leave":
      return update(view, input, now, () => ({ linked: false, state: "left", reason: "leave" }));
    case "refused":
      return update(view, input, now, () => ({ refused: true }));
    case "close":
      return update(view, input, now, (member) => ({
        linked: false,
        closes: new Map(member.closes).set(view.self, now),
      }));
  }
}

/** What to share with the other servers: the members that this server should see itself, aged at `now`. */
export function observations(view: Membership, now: number): Observation[] {
  return [...view.members.values()]
    .filter((member) => member.homes.includes(view.self))
    .map((member) => observationOf(view, member, now));
}

/** The same for one member, to share a transition without the rest. */
export function observationOf(view: Membership, member: Member, now: number): Observation {
  const closedAt = member.closes.get(view.self);
  return {
    member: member.id,
    role: member.role,
    incarnation: member.incarnation,
    homes: member.homes,
    state: member.state,
    reason: member.reason,
    heardMsAgo: Number.isFinite(member.lastHeardAt) ? now - member.lastHeardAt : null,
    closedMsAgo: closedAt === undefined ? null : now - closedAt,
  };
}

function onHello(
  view: Membership,
  hello: Extract<MembershipInput, { type: "hello" }>,
  now: number,
): MembershipResult {
  const known = view.members.get(hello.member);
  const age = known === undefined ? 1 : compareIncarnations(hello.incarnation, known.incarnation);
  if (age < 0) return refuse("stale");
  if (age === 0 && known?.state === "left") return refuse("left");
  if (known === undefined && !makeRoom(view)) return refuse("full");
  const homes = hello.homes ?? view.servers.filter((id) => id !== hello.member);
  const { member: id, role, incarnation } = hello;
  const before = known ?? newcomer(view, { id, role, incarnation, homes }, now);
  return settle(view, known, { ...before, role, incarnation, homes, ...heardNow(now) }, now);
}

function onObservation(
  view: Membership,
  from: string,
  observation: Observation,
  now: number,
): MembershipResult {
  if (from === view.self || observation.member === view.self) return refuse("unknown");
  if (!view.servers.includes(from)) return refuse("unknown");
  const known = view.members.get(observation.member);
  const age = known === undefined ? 1 : compareIncarnations(observation.incarnation, known.incarnation);
  if (age < 0) return refuse("stale");
  if (age === 0 && known?.state === "left") return unchanged;
  if (known === undefined && observation.state === "left") return unchanged;
  if (known === undefined && !makeRoom(view)) return refuse("full");
  const { member: id, role, incarnation, homes } = observation;
  const before = age > 0 ? newcomer(view, { id, role, incarnation, homes }, now) : known;
  if (before === undefined) return unchanged;
  if (observation.state === "left") {
    const left: Member = {
      ...before,
      state: "left",
      reason: "leave",
      linked: false,
      accuser: from,
      since: now,
    };
    return record(view, known, left);
  }
  return settle(view, known, withTestimony(before, from, observation, now), now);
}

/** Adds when the other server heard the member and whether it saw its link close. */
function withTestimony(member: Member, from: string, observation: Observation, now: number): Member {
  const { heardMsAgo, closedMsAgo } = observation;
  const closes = new Map(member.closes);
  if (closedMsAgo === null) closes.delete(from);
  else closes.set(from, now - closedMsAgo);
  // Old testimony counts too: all servers measure one silence from the last that any of them heard.
  const relayedAt = heardMsAgo === null ? member.relayedAt : Math.max(member.relayedAt, now - heardMsAgo);
  return { ...member, closes, relayedAt };
}

function onTick(view: Membership, loopLagMs: number, now: number): MembershipResult {
  const gapMs = now - view.lastTickAt;
  view.lastTickAt = now;
  // An observer that did not run heard nobody: what it missed meanwhile is no one's silence.
  if (gapMs > view.timing.heartbeatMs) view.listeningSince = now;
  noteLag(view.localHealth, Math.max(loopLagMs, gapMs - view.timing.heartbeatMs), now);
  const transitions: MemberTransition[] = [];
  // Suspicions first, so that the hold sees all of them before anyone is declared down.
  for (const member of view.members.values()) transitions.push(...rejudge(view, member, now, "suspect"));
  view.heldSince = massFailure(view.members, view.heldSince, view.timing, now);
  if (view.heldSince === null) {
    for (const member of view.members.values()) transitions.push(...rejudge(view, member, now, "down"));
  }
  return { transitions, refusal: null };
}

/** Moves a member to `to` when it is the next worse state and the evidence says so; time alone never improves one. */
function rejudge(
  view: Membership,
  member: Member,
  now: number,
  to: "suspect" | "down",
): readonly MemberTransition[] {
  if (member.state !== (to === "suspect" ? "alive" : "suspect")) return [];
  const verdict = judge(member, view.timing, listening(view), now);
  if (verdict.state === "alive" || (to === "down" && verdict.state !== "down")) return [];
  const worse: Member = { ...member, state: to, reason: verdict.reason, accuser: view.self, since: now };
  return record(view, member, worse).transitions;
}

/** Applies a change to a known member of the same or a newer life. */
function update(
  view: Membership,
  input: { readonly member: string; readonly incarnation: Member["incarnation"] },
  now: number,
  change: (member: Member) => Partial<Member>,
): MembershipResult {
  const known = view.members.get(input.member);
  if (known === undefined) return refuse("unknown");
  const age = compareIncarnations(input.incarnation, known.incarnation);
  if (age < 0) return refuse("stale");
  if (age === 0 && known.state === "left") return refuse("left");
  const changed: Member = { ...known, incarnation: input.incarnation, ...change(known) };
  if (changed.state !== "left") return settle(view, known, changed, now);
  return record(view, known, { ...changed, accuser: input.member, since: now });
}

/** Gives a member with new evidence the state that follows at once; only a tick, which sees the mass, says down. */
function settle(view: Membership, known: Member | undefined, member: Member, now: number): MembershipResult {
  const verdict = judge(member, view.timing, listening(view), now);
  const alreadyDown =
    known?.state === "down" && compareIncarnations(member.incarnation, known.incarnation) === 0;
  const state = verdict.state === "alive" ? "alive" : alreadyDown ? "down" : "suspect";
  const same = known !== undefined && known.state === state;
  const settled: Member = same
    ? { ...member, state, reason: verdict.reason, since: known.since }
    : { ...member, state, reason: verdict.reason, accuser: view.self, since: now };
  return record(view, known, settled);
}

function record(view: Membership, known: Member | undefined, member: Member): MembershipResult {
  view.members.set(member.id, member);
  if (known?.state === member.state) return unchanged;
  const { id, role, incarnation, state: to, reason, accuser } = member;
  return {
    transitions: [{ member: id, role, incarnation, from: known?.state ?? null, to, reason, accuser }],
    refusal: null,
  };
}

/** Forgets the member that has been left or down for longest when there is no room for another. */
function makeRoom(view: Membership): boolean {
  if (view.members.size < view.maxMembers) return true;
  const gone = [...view.members.values()].filter(({ state }) => state === "left" || state === "down");
  const oldest = gone.sort((a, b) => a.since - b.since)[0];
  return oldest !== undefined && view.members.delete(oldest.id);
}

function heardNow(now: number): Partial<Member> {
  return { linked: true, lastHeardAt: now, closes: new Map(), refused: false, state: "alive" };
}

function newcomer(
  view: Membership,
  facts: Pick<Member, "id" | "role" | "incarnation" | "homes">,
  now: number,
): Member {
  return {
    ...facts,
    state: "alive",
    reason: "heard",
    accuser: view.self,
    since: now,
    linked: false,
    lastHeardAt: Number.NEGATIVE_INFINITY,
    relayedAt: Number.NEGATIVE_INFINITY,
    closes: new Map(),
    refused: false,
  };
}

function listening(view: Membership): { since: number; stretch: number } {
  return { since: view.listeningSince, stretch: view.localHealth.multiplier };
}

function refuse(refusal: Refusal): MembershipResult {
  return { transitions: [], refusal };
}

const unchanged: MembershipResult = { transitions: [], refusal: null };

export type { Incarnation, Member } from "./member.ts";
export type {
  MembershipInput,
  MembershipResult,
  MemberTransition,
  Observation,
  Refusal,
} from "./membership-input.ts";
