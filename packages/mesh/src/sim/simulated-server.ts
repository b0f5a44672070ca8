import {
  createMembership,
  defaultMembershipTiming,
  type Membership,
  type MembershipInput,
  observationOf,
  observations,
  observe,
} from "../core/membership.ts";
import {
  type ClusterMember,
  createVerdict,
  decide,
  type Verdict,
  type VerdictInput,
} from "../core/verdict.ts";

/** How servers reach one another. */
export interface ServerLinks {
  readonly share: (from: string, observation: ReturnType<typeof observationOf>) => void;
  readonly publish: (from: string, members: readonly ClusterMember[]) => void;
}

/** One server's view and verdict wired as a real server wires them; the first server leads. */
export interface SimulatedServer {
  readonly id: string;
  readonly view: Membership;
  readonly verdict: Verdict;
  readonly give: (input: MembershipInput) => void;
  readonly weigh: (input: VerdictInput) => void;
  /** Shares everything, as once per heartbeat. */
  readonly shareAll: () => void;
}

export function createSimulatedServer(
  self: string,
  servers: readonly string[],
  links: ServerLinks,
  now: () => number,
): SimulatedServer {
  const view = createMembership({ self, servers, timing: defaultMembershipTiming }, now());
  const verdict = createVerdict({ self, servers });
  const leads = self === servers[0];
  decide(verdict, { type: "standing", standing: leads ? "leader" : "follower", epoch: 1 }, now());

  const weigh = (input: VerdictInput): void => {
    const changes = decide(verdict, input, now());
    if (leads && changes.length > 0) links.publish(self, changes);
  };
  const give = (input: MembershipInput): void => {
    const { transitions } = observe(view, input, now());
    for (const { member } of transitions) {
      const known = view.members.get(member);
      if (known === undefined) continue;
      const observation = observationOf(view, known, now());
      links.share(self, observation);
      weigh({ type: "view", from: self, observations: [observation] });
    }
  };
  return {
    id: self,
    view,
    verdict,
    give,
    weigh,
    shareAll: () => {
      const all = observations(view, now());
      weigh({ type: "view", from: self, observations: all });
      for (const observation of all) links.share(self, observation);
    },
  };
}
