import { join } from "node:path";
import { changeVoters, type UsedVoters } from "./core/voters-change.ts";
import { MeshError } from "./mesh-error.ts";
import { openSealedFile } from "./sealed-file.ts";

/** Where a server keeps the list of voters that it uses. */
export interface VotersFile {
  /** A leader is known under the list. @throws when the disk refuses */
  noteInForce(): void;
}

/**
 * Takes the list into use.
 *
 * @throws MeshError `VOTERS_CHANGED` when it differs too much from the one used last, or that one never had a leader;
 *   `VOTERS_FILE` when the file is corrupt or unreadable
 */
export function openVotersFile(dataDir: string, voter: string, voters: readonly string[]): VotersFile {
  // Named after the voter, as its vote is: another voter has used no list.
  const file = openSealedFile(join(dataDir, `voters-${encodeURIComponent(voter)}.json`), {
    what: "file of the voters used last",
    code: "VOTERS_FILE",
    nextStep: "Restore it. Without it two servers of different lists might lead at once.",
  });
  const fields = file.read();
  const before = fields === null ? null : asUsed(fields);
  if (fields !== null && before === null) throw file.unusable("it is of another format");
  const now = changeVoters(before, voters);
  if (typeof now === "string") throw refusal(now, before?.voters ?? [], voters, file.path);
  if (now !== before) file.write({ format: 1, ...now });
  let { inForce } = now;
  return {
    noteInForce: () => {
      if (inForce) return;
      file.write({ format: 1, voters: now.voters, inForce: true, before: null });
      inForce = true;
    },
  };
}

function asUsed({ format, voters, inForce, before }: Readonly<Record<string, unknown>>): UsedVoters | null {
  if (format !== 1 || typeof inForce !== "boolean" || !isList(voters)) return null;
  return before === null || isList(before) ? { voters, inForce, before } : null;
}

function isList(voters: unknown): voters is string[] {
  return Array.isArray(voters) && voters.every((id) => typeof id === "string");
}

function refusal(
  problem: "too_far" | "too_soon",
  before: readonly string[],
  voters: readonly string[],
  path: string,
): MeshError {
  const lists = `from ${before.join(", ")} to ${voters.join(", ")}`;
  const anew = `If the servers of the old list are gone for good, remove ${path}.`;
  return problem === "too_far"
    ? new MeshError(`The list of servers changes ${lists}: by more than one server at once.`, {
        code: "VOTERS_CHANGED",
        nextStep: `Two halves of the cluster could each have a leader. Add or remove one server on all, wait for a leader, then the next. ${anew}`,
      })
    : new MeshError(`The list of servers changes ${lists}, and no leader was known yet under the former.`, {
        code: "VOTERS_CHANGED",
        nextStep: `Put the former list on all servers and wait for a leader first, or go back to the one before. ${anew}`,
      });
}
