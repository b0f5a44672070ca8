import type { Member } from "./cluster.ts";
import { waitFor } from "./program.ts";

/** Waits until all of `members` name one leader among `among` under one epoch. */
export async function agreedLeader(
  members: readonly Member[],
  among: readonly Member[],
): Promise<{ id: string; epoch: string }> {
  let seen = "";
  return waitFor(
    "one leader that all agree on",
    async () => {
      const clusters = (await Promise.all(members.map((member) => member.status()))).map(
        (status) => status.cluster,
      );
      seen = JSON.stringify(clusters.map(({ leaderId, epoch, quorum }) => [leaderId, epoch, quorum.held]));
      const first = clusters[0];
      if (first === undefined || first.leaderId === null) return null;
      const agreed = clusters.every(
        ({ leaderId, epoch, quorum }) => leaderId === first.leaderId && epoch === first.epoch && quorum.held,
      );
      return agreed && among.some((member) => member.id === first.leaderId)
        ? { id: first.leaderId, epoch: first.epoch }
        : null;
    },
    30_000,
    () => seen,
  );
}

/** Negative when `a` is the older epoch, 0 when they are the same, positive when `a` is the newer. */
export function compareEpochs(a: string, b: string): number {
  const [generationA = 0, termA = 0] = a.split(".").map(Number);
  const [generationB = 0, termB = 0] = b.split(".").map(Number);
  return generationA - generationB || termA - termB;
}
