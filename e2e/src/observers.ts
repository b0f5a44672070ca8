import { type Program, waitFor } from "./program.ts";

/** One line of a program's log about the mesh. */
interface MeshLine {
  readonly msg: string;
  readonly memberId?: string;
  readonly link?: string;
  readonly leaderId?: string | null;
  readonly term?: number;
}

/** Whose log is read. */
export interface Observed {
  readonly id: string;
  readonly program: Program;
}

/** What the members of a cluster say of one another, read from their logs as they are written. */
export class Observers {
  readonly members: readonly Observed[];
  readonly #links = new Map<Observed, Map<string, string>>();
  readonly #leaders = new Map<Observed, string | null>();
  readonly #leadersOfTerm = new Map<number, Set<string>>();
  readonly #downs: string[] = [];
  onChange: () => void = () => undefined;

  constructor(members: readonly Observed[]) {
    this.members = members;
    for (const member of members) this.listen(member);
  }

  /** Begins anew with a member that was started again. */
  listen(member: Observed): void {
    const links = new Map<string, string>();
    this.#links.set(member, links);
    this.#leaders.set(member, null);
    member.program.onLine((line) => {
      const { msg, memberId, link, leaderId, term } = read(line);
      if (msg === "a member's link has changed" && memberId !== undefined && link !== undefined) {
        links.set(memberId, link);
        if (link === "down") this.#downs.push(`${member.id} lists ${memberId} as down`);
      } else if (leaderId !== undefined && (msg === "a leader is known" || msg === "nobody leads")) {
        this.#leaders.set(member, leaderId);
        if (leaderId !== null && term !== undefined)
          this.#leadersOfTerm.set(term, (this.#leadersOfTerm.get(term) ?? new Set()).add(leaderId));
      } else return;
      this.onChange();
    });
  }

  /** Whether all others list a member so. */
  all(subject: Observed, links: readonly string[]): boolean {
    return this.members.every(
      (member) => member === subject || links.includes(this.#links.get(member)?.get(subject.id) ?? "unknown"),
    );
  }

  /** Whom a member names. */
  leaderOf(member: Observed): string | null {
    return this.#leaders.get(member) ?? null;
  }

  /** The leader that more than half of all members name; null without one. */
  leader(): string | null {
    const votes = new Map<string, number>();
    for (const leader of this.#leaders.values()) {
      if (leader !== null) votes.set(leader, (votes.get(leader) ?? 0) + 1);
    }
    const [best] = [...votes].filter(([, count]) => count > this.members.length / 2);
    return best?.[0] ?? null;
  }

  /** The leader that all members name; null without one. */
  unanimous(): string | null {
    const [first, ...others] = new Set(this.#leaders.values());
    return others.length === 0 ? (first ?? null) : null;
  }

  /** Terms for which two leaders were ever named, by anyone. */
  termsWithTwoLeaders(): readonly number[] {
    return [...this.#leadersOfTerm].filter(([, leaders]) => leaders.size > 1).map(([term]) => term);
  }

  /** Who was ever listed as down, and by whom, since the last call. */
  takeDowns(): readonly string[] {
    return this.#downs.splice(0);
  }

  async everyoneAlive(): Promise<void> {
    await waitFor(
      "all to list all as alive",
      async () => (this.members.every((member) => this.all(member, ["alive"])) ? true : null),
      60_000,
    );
  }
}

/** A line that is none of the log's, or half of one, says nothing. */
function read(line: string): Partial<MeshLine> {
  try {
    return JSON.parse(line) as MeshLine;
  } catch {
    return {};
  }
}
