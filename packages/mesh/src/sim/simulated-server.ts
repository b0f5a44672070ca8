import { firstFence } from "../core/fence.ts";
import {
  createMembership,
  defaultMembershipTiming,
  type Membership,
  type MembershipInput,
  type Observation,
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

/** How servers reach one another, and who is told what they list. */
export interface ServerLinks {
  readonly share: (from: string, observations: readonly Observation[]) => void;
  readonly publish: (from: string, members: readonly ClusterMember[]) => void;
  readonly changed: (server: string, members: readonly ClusterMember[]) => void;
}

/** One server's view and verdict wired as a real server wires them; the first server leads. */
export interface SimulatedServer {
  readonly id: string;
  readonly view: Membership;
  readonly verdict: Verdict;
  readonly give: (input: MembershipInput) => void;
  readonly hear: (from: string, observations: readonly Observation[]) => void;
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
  decide(verdict, { type: "standing", standing: leads ? "leader" : "follower", epoch: firstFence }, now());

  const weigh = (input: VerdictInput): void => {
    const changes = decide(verdict, input, now());
    if (changes.length === 0) return;
    links.changed(self, changes);
    if (leads) links.publish(self, changes);
  };
  const give = (input: MembershipInput): void => {
    const { transitions } = observe(view, input, now());
    if (transitions.length === 0) return;
    const changed = transitions.flatMap(({ member }) => view.members.get(member) ?? []);
    const told = changed.map((member) => observationOf(view, member, now()));
    links.share(self, told);
    weigh({ type: "view", from: self, observations: told });
  };
  return {
    id: self,
    view,
    verdict,
    give,
    hear: (from, told) => {
      for (const observation of told) give({ type: "observation", from, observation });
      weigh({ type: "view", from, observations: told });
    },
    weigh,
    shareAll: () => {
      const all = observations(view, now());
      weigh({ type: "view", from: self, observations: all });
      links.share(self, all);
    },
  };
}
