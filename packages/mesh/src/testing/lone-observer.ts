import type { Incarnation } from "../core/member.ts";
import {
  createMembership,
  defaultMembershipTiming,
  type Membership,
  type MembershipInput,
  type MembershipResult,
  type MemberTransition,
  type Observation,
  observe,
} from "../core/membership.ts";

// One of three servers that watches members, in the hands of a test that moves its clock.

export const life: Incarnation = { boot: 100, counter: 0 };
export const tickMs = 50;

export const observer: { now: number; view: Membership; seen: MemberTransition[] } = anew();

function anew(): typeof observer {
  const options = { self: "s1", servers: ["s1", "s2", "s3"], timing: defaultMembershipTiming };
  return { now: 0, view: createMembership(options, 0), seen: [] };
}

/** Nobody is known, and no time has passed. */
export function reset(): void {
  Object.assign(observer, anew());
}

export function give(input: MembershipInput): MembershipResult {
  const result = observe(observer.view, input, observer.now);
  observer.seen.push(...result.transitions);
  return result;
}

export function hello(member: string, incarnation: Incarnation = life): MembershipResult {
  return give({ type: "hello", member, role: "agent", incarnation });
}

/** Lets time pass in ticks while `beating` members send a heartbeat every second. */
export function pass(ms: number, beating: readonly string[] = []): void {
  const end = observer.now + ms;
  while (observer.now < end) {
    observer.now += tickMs;
    if (observer.now % 1_000 === 0)
      for (const member of beating) give({ type: "heartbeat", member, incarnation: life });
    give({ type: "tick" });
  }
}

export function state(member: string): string | undefined {
  return observer.view.members.get(member)?.state;
}

export function told(member: string, change: Partial<Observation>): MembershipResult {
  return toldBy("s2", member, change);
}

export function toldBy(from: string, member: string, change: Partial<Observation>): MembershipResult {
  const observation: Observation = {
    member,
    role: "agent",
    incarnation: life,
    homes: ["s1", "s2", "s3"],
    state: "alive",
    reason: "heard",
    heardMsAgo: 0,
    closedMsAgo: null,
    ...change,
  };
  return give({ type: "observation", from, observation });
}
