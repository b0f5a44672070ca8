import { join } from "node:path";
import { type AgreedCopy, maxAgreedLength } from "@ringrift/protocol";
import type { PersistedVote } from "./core/election.ts";
import { openSealedFile } from "./sealed-file.ts";

/** Where one voter keeps its term, its vote and its copy of the agreed value: in one file, so that none is older than the rest. */
export interface VoteFile {
  readonly path: string;
  /** Null when there is none. @throws MeshError `VOTE_FILE` when the file is corrupt, unreadable or another voter's */
  read(): PersistedVote | null;
  /** On disk when it returns. */
  write(vote: PersistedVote): void;
}

export function openVoteFile(dataDir: string, voter: string): VoteFile {
  // Named after the voter: a server that is given another address is another voter and must not inherit a vote.
  const file = openSealedFile(join(dataDir, `vote-${encodeURIComponent(voter)}.json`), {
    what: "vote file",
    code: "VOTE_FILE",
    nextStep:
      "Starting without it could let this server vote twice, or lose what the servers agreed on. Restore it, or give the server a new voter id and an empty data directory.",
  });
  return {
    path: file.path,
    read: () => {
      const fields = file.read();
      if (fields === null) return null;
      const vote = asVote(fields);
      if (vote === null) throw file.unusable("it is of another format");
      if (vote.voter !== voter) throw file.unusable(`it is the vote of ${vote.voter}, not of ${voter}`);
      return {
        term: vote.term,
        votedFor: vote.votedFor,
        ...(vote.copy === undefined ? {} : { copy: vote.copy }),
      };
    },
    write: ({ term, votedFor, copy }) => file.write({ format: 1, voter, term, votedFor, copy }),
  };
}

function asVote(
  fields: Readonly<Record<string, unknown>>,
): (PersistedVote & { readonly voter: string }) | null {
  const { format, voter, term, votedFor, copy } = fields;
  if (format !== 1 || typeof voter !== "string" || !isCount(term)) return null;
  if (votedFor !== null && typeof votedFor !== "string") return null;
  if (copy === undefined) return { voter, term, votedFor };
  return isCopy(copy) ? { voter, term, votedFor, copy } : null;
}

function isCopy(copy: unknown): copy is AgreedCopy {
  if (typeof copy !== "object" || copy === null) return false;
  const { term, version, value } = copy as Readonly<Record<string, unknown>>;
  return isCount(term) && isCount(version) && typeof value === "string" && value.length <= maxAgreedLength;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
