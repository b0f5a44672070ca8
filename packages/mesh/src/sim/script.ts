import type { ElectionMessage } from "../core/election.ts";
import { type Cluster, createCluster } from "./cluster.ts";
import { start } from "./faults.ts";
import type { SimulatedVoter } from "./simulated-voter.ts";

// Scenarios as text, one command a line; `#` begins a comment. The answer is what happened, with virtual times. `LEADER`
// stands for the voter that may act as leader now, `OTHER1`, `OTHER2`, ... for the rest in order; both stay who they are
// until the next `settle`.
//
//   cluster N [seed S]       N voters on a fair network
//   settle                   runs 8 s, long enough for a leader, and tells only who leads
//   run MS                   lets virtual milliseconds pass
//   cut A B ... | cut A > B  cuts both ways, or what A sends to B; "heal" ends all cuts
//   crash V [torn] | start V | freeze V | thaw V | sleep V | wake V     sleep stops the monotonic clock too
//   refused V                every other voter's redial of V is refused
//   transfer V               V hands over if it leads
//   write V TEXT             V writes a value, if it may
//   lose V                   V crashes, and its disk is lost
//   disk V MS                writes of V take so long from now on
//   stranger V TERM          somebody outside the configuration asks V for a vote and claims to lead
//   show                     what each voter is and knows

interface Scene {
  readonly cluster: Cluster;
  readonly say: (line: string) => void;
  readonly names: Map<string, string>;
  /** While true, what happens is not told. */
  muted: boolean;
}

type Command = (scene: Scene, words: readonly string[]) => void;

const commands: Readonly<Record<string, Command>> = {
  settle: (scene) => {
    const { cluster, names, say } = scene;
    scene.muted = true;
    cluster.run(8_000);
    scene.muted = false;
    const leader = cluster.leader();
    names.clear();
    if (leader === undefined) {
      say("nobody leads");
      return;
    }
    names.set("LEADER", leader.id);
    const others = cluster.voters.filter((voter) => voter !== leader);
    for (const [index, voter] of others.entries()) names.set(`OTHER${index + 1}`, voter.id);
    say(`${leader.id} leads; the others are ${others.map(({ id }) => id).join(", ")}`);
  },
  run: ({ cluster }, [ms]) => cluster.run(Number(ms)),
  cut: (scene, [a = "", ...rest]) => {
    const { network } = scene.cluster;
    if (rest[0] === ">") {
      network.cut(voter(scene, a).id, voter(scene, rest[1]).id);
      return;
    }
    for (const other of rest) {
      const [one, two] = [voter(scene, a).id, voter(scene, other).id];
      network.cut(one, two);
      network.cut(two, one);
    }
  },
  heal: ({ cluster }) => cluster.network.heal(),
  crash: (scene, [id, how]) => voter(scene, id).crash(how === "torn" ? "torn" : "old"),
  start: (scene, [id]) => {
    start(voter(scene, id), scene.cluster.voters);
    if (voter(scene, id).broken())
      scene.say(`${voter(scene, id).id} does not start: its vote file is unreadable`);
  },
  freeze: (scene, [id]) => voter(scene, id).pause(),
  thaw: (scene, [id]) => voter(scene, id).resume(),
  sleep: (scene, [id]) => {
    voter(scene, id).pause();
    scene.cluster.clocks.get(voter(scene, id).id)?.sleep();
  },
  wake: (scene, [id]) => {
    scene.cluster.clocks.get(voter(scene, id).id)?.wake();
    scene.say(`${voter(scene, id).id} wakes ${voter(scene, id).holdsLease() ? "with" : "without"} a lease`);
    voter(scene, id).resume();
  },
  refused: (scene, [id]) => {
    const gone = voter(scene, id);
    for (const other of scene.cluster.voters)
      if (other !== gone) other.give({ type: "link", peer: gone.id, up: false, refused: true });
  },
  write: (scene, [id, value = ""]) => voter(scene, id).give({ type: "write", value }),
  lose: (scene, [id]) => {
    voter(scene, id).crash("wiped");
    scene.cluster.network.forget(voter(scene, id).id);
  },
  transfer: (scene, [id]) => voter(scene, id).give({ type: "transfer" }),
  disk: (scene, [id, ms]) => scene.cluster.setWriteMs(voter(scene, id).id, Number(ms)),
  stranger: (scene, [id, term]) => {
    const claims: readonly ElectionMessage[] = [
      { type: "vote", term: Number(term), transfer: true },
      { type: "lead", term: Number(term), sentAt: 0 },
    ];
    const effects = claims.map((message) => voter(scene, id).hearStranger("stranger", message));
    scene.say(`${voter(scene, id).id} does ${effects.reduce((sum, each) => sum + each, 0)} things about it`);
  },
  show: ({ cluster, say }) => {
    for (const each of cluster.voters) say(described(each));
  },
};

/**
 * Plays a script and returns what it says and what it answers.
 *
 * @throws {RangeError} at a line that is no command or names nobody
 */
export function playScript(script: string): string {
  const lines: string[] = [];
  let scene: Scene | null = null;
  for (const raw of script.split("\n")) {
    const line = raw.split("#", 1)[0]?.trim() ?? "";
    if (line === "") continue;
    lines.push(`> ${line}`);
    const [name = "", ...words] = line.split(/\s+/);
    if (name === "cluster") {
      scene = stage(words, lines);
      continue;
    }
    const command = commands[name];
    if (scene === null || command === undefined) throw new RangeError(`"${line}" is no command here.`);
    command(scene, words);
  }
  return `${lines.join("\n")}\n`;
}

function stage([nodes, , seed = "1"]: readonly string[], lines: string[]): Scene {
  const say = (line: string): void => {
    lines.push(`  ${line}`);
  };
  const timed = (text: string): void => {
    if (!scene.muted) say(`${Math.round(cluster.queue.now()).toString().padStart(6)} ms  ${text}`);
  };
  const cluster = createCluster(Number(seed), Number(nodes), (text) => timed(text()));
  const scene: Scene = { cluster, say, names: new Map(), muted: false };
  return scene;
}

function voter({ cluster, names }: Scene, word: string | undefined): SimulatedVoter {
  const id = names.get(word ?? "") ?? word;
  const found = cluster.voters.find((each) => each.id === id);
  if (found === undefined) throw new RangeError(`There is no voter "${word}".`);
  return found;
}

function described(each: SimulatedVoter): string {
  const state = each.state();
  if (state === null) return `${each.id} ${each.broken() ? "cannot start" : "is not running"}`;
  const lease = each.holdsLease() ? ", holds the lease" : "";
  const frozen = each.running() ? "" : " (stopped)";
  const { version, value, term } = state.copy;
  const copy = term === 0 ? "" : `, has "${value}" of ${term}.${version}${state.confirmed ? ", agreed" : ""}`;
  return `${each.id} ${state.role} in term ${state.term}, leader ${state.leaderId ?? "unknown"}${lease}${copy}${frozen}`;
}
