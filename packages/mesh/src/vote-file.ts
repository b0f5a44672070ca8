import { join } from "node:path";
import type { PersistedVote } from "./core/election.ts";
import { openSealedFile } from "./sealed-file.ts";

/** Where one voter keeps its term and vote. */
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
      "Starting without it could let this server vote twice. Restore it, or give the server a new voter id and an empty data directory.",
  });
  return {
    path: file.path,
    read: () => {
      const fields = file.read();
      if (fields === null) return null;
      const vote = asVote(fields);
      if (vote === null) throw file.unusable("it is of another format");
      if (vote.voter !== voter) throw file.unusable(`it is the vote of ${vote.voter}, not of ${voter}`);
      return { term: vote.term, votedFor: vote.votedFor };
    },
    write: ({ term, votedFor }) => file.write({ format: 1, voter, term, votedFor }),
  };
}

function asVote(
  fields: Readonly<Record<string, unknown>>,
): (PersistedVote & { readonly voter: string }) | null {
  const { format, voter, term, votedFor } = fields;
  if (format !== 1 || typeof voter !== "string") return null;
  if (typeof term !== "number" || !Number.isSafeInteger(term) || term < 0) return null;
  if (votedFor !== null && typeof votedFor !== "string") return null;
  return { voter, term, votedFor };
}
