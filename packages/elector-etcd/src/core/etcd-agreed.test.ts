import { describe, expect, it } from "vitest";
import { seeded } from "../testing/seeded.ts";
import { type Outcome, SimulatedServers } from "../testing/simulated-servers.ts";
import { agreedAt } from "./etcd-agreed.ts";

const calm = { loss: 0, slowestMs: 10 };

type Server = SimulatedServers["servers"][number];

function formed(): SimulatedServers {
  const servers = new SimulatedServers(3, seeded(7), calm);
  servers.run(2_000);
  return servers;
}

function holder(servers: SimulatedServers): Server {
  const [first] = servers.holders();
  if (first === undefined) throw new Error("nobody leads");
  return first;
}

function told(servers: SimulatedServers): { value: string; stamp: string; confirmed: boolean }[] {
  return servers.servers.map((server) => agreedAt(server.state, servers.clock(server)));
}

function append(servers: SimulatedServers, server: Server, word: string): Outcome | null {
  let ended: Outcome | null = null;
  servers.append(server, word, (outcome) => {
    ended = outcome;
  });
  servers.run(servers.now + 100);
  return ended;
}

describe("what the servers agreed on by etcd", () => {
  it("is empty, and known to be, before anyone wrote", () => {
    for (const view of told(formed())) expect(view).toEqual({ value: "", stamp: "0.0", confirmed: true });
  });

  it("is known to every server soon after the leader wrote it, and written by nobody else", () => {
    const servers = formed();
    expect(append(servers, holder(servers), "a")).toBe("written");
    const [first, ...others] = told(servers);
    expect(first).toMatchObject({ value: "a ", confirmed: true });
    expect(others).toEqual([first, first]);
    const follower = servers.servers.find((server) => server !== holder(servers));
    expect(append(servers, follower ?? holder(servers), "b")).toBe("not_leader");
    expect(servers.etcd.value).toBe("a ");
  });

  it("is told as not confirmed while etcd is silent, and after a restart until etcd was read", () => {
    const servers = formed();
    append(servers, holder(servers), "a");
    servers.silent = true;
    servers.run(servers.now + 3_000);
    for (const view of told(servers)) expect(view).toMatchObject({ value: "a ", confirmed: false });
    for (const server of servers.servers) servers.restart(server);
    for (const view of told(servers)) expect(view).toEqual({ value: "", stamp: "0.0", confirmed: false });
    servers.silent = false;
    servers.run(servers.now + 5_000);
    for (const view of told(servers)) expect(view).toMatchObject({ value: "a ", confirmed: true });
  });

  it("is not what a leader wrote that was frozen past its lease before the write left", () => {
    const servers = formed();
    const before = holder(servers);
    let ended: Outcome | null = null;
    before.frozenUntil = servers.now + 10_000;
    servers.append(before, "late", (outcome) => {
      ended = outcome;
    });
    servers.run(servers.now + 13_000);
    expect(ended).toBe("not_leader");
    expect(servers.etcd.value).toBe("");
  });

  it("is never that of an emptied etcd's earlier history, be the revisions alike", () => {
    const servers = formed();
    append(servers, holder(servers), "a");
    const follower = servers.servers.find((server) => server !== holder(servers)) ?? holder(servers);
    const { modRevision } = follower.state.agreed;
    follower.frozenUntil = servers.now + 20_000;
    servers.etcd.wipe();
    servers.run(servers.now + 15_000);
    append(servers, holder(servers), "b");
    expect(holder(servers).state.agreed.modRevision).toBe(modRevision);
    servers.run(servers.now + 8_000);
    for (const view of told(servers)) expect(view).toMatchObject({ value: "b ", confirmed: true });
  });

  it("is empty again, under a higher stamp, once the key was removed or etcd was emptied", () => {
    const servers = formed();
    append(servers, holder(servers), "a");
    let [{ stamp: before } = { stamp: "" }] = told(servers);
    for (const remove of [() => servers.etcd.deleteAgreed(), () => servers.etcd.wipe()]) {
      remove();
      servers.run(servers.now + 10_000);
      for (const view of told(servers)) {
        expect(view).toMatchObject({ value: "", confirmed: true });
        expect(compare(view.stamp, before)).toBeGreaterThan(0);
      }
      expect(append(servers, holder(servers), "b")).toBe("written");
      const [after] = told(servers);
      expect(after?.value).toBe("b ");
      before = after?.stamp ?? "";
    }
  });
});

/** Forty rounds of faults in which every server writes one word a round, and then calm. */
function hunt(seed: number): { servers: SimulatedServers; outcomes: ReadonlyMap<string, Outcome> } {
  const random = seeded(seed * 104_729);
  const servers = new SimulatedServers(3, random, { loss: 0.3 * random(), slowestMs: 400 * random() });
  const outcomes = new Map<string, Outcome>();
  const highest = new Map<Server["state"], string>();
  const noneFell = (): void => {
    for (const { state } of servers.servers) {
      const { stamp } = agreedAt(state, 0);
      expect(compare(stamp, highest.get(state) ?? "0.0")).toBeGreaterThanOrEqual(0);
      highest.set(state, stamp);
    }
  };
  for (let round = 0; round < 40; round += 1) {
    disturb(servers, random);
    for (const writer of servers.servers.filter(({ frozenUntil }) => frozenUntil <= servers.now)) {
      const word = `w${round}${writer.id}`;
      servers.append(writer, word, (outcome) => outcomes.set(word, outcome));
    }
    servers.run(servers.now + random() * 2_000, noneFell);
  }
  servers.silent = false;
  servers.faults = calm;
  servers.run(servers.now + 20_000, noneFell);
  return { servers, outcomes };
}

function disturb(servers: SimulatedServers, random: () => number): void {
  const server = servers.servers[Math.floor(random() * 3)];
  if (server === undefined) throw new Error("no server");
  const fault = random();
  if (fault < 0.1) server.frozenUntil = servers.now + random() * 8_000;
  else if (fault < 0.2) servers.restart(server);
  else if (fault < 0.25) servers.silent = !servers.silent;
}

function compare(one: string, other: string): number {
  const [generation = 0, revision = 0] = one.split(".").map(Number);
  const [otherGeneration = 0, otherRevision = 0] = other.split(".").map(Number);
  return generation - otherGeneration || revision - otherRevision;
}

describe("whatever is lost, late, frozen or restarted", () => {
  const seeds = Array.from({ length: 60 }, (_, index) => index + 1);
  it.each(seeds)(
    "nothing that was written is lost, nothing that was refused is there, and no stamp falls (seed %i)",
    (seed) => {
      const { servers, outcomes } = hunt(seed);
      const words = servers.etcd.value.split(" ");
      expect(new Set(words).size).toBe(words.length);
      const of = (...wanted: Outcome[]): string[] =>
        [...outcomes].filter(([, outcome]) => wanted.includes(outcome)).map(([word]) => word);
      expect(words).toEqual(expect.arrayContaining(of("written")));
      for (const word of of("not_leader", "moved")) expect(words).not.toContain(word);
      for (const view of told(servers))
        expect(view).toMatchObject({ value: servers.etcd.value, confirmed: true });
    },
  );

  it("all outcomes come up", () => {
    const seen = seeds.slice(0, 10).flatMap((seed) => [...hunt(seed).outcomes.values()]);
    expect(new Set(seen)).toEqual(new Set(["written", "not_leader", "moved", "unknown"]));
  });
});
