import { join } from "node:path";
import { errorText } from "@ringrift/protocol";
import type { PersistedVote } from "./core/election.ts";
import { checksum, readIfThere, writeDurably } from "./durable-file.ts";
import { MeshError } from "./mesh-error.ts";

/** Where one voter keeps its term and vote. */
export interface VoteFile {
  readonly path: string;
  /** @throws MeshError `VOTE_FILE` when the file is corrupt, unreadable or another voter's; a missing file is a first start. */
  read(): PersistedVote;
  /** On disk when it returns. */
  write(vote: PersistedVote): void;
}

export function openVoteFile(dataDir: string, voter: string): VoteFile {
  // Named after the voter: a server that is given another address is another voter and must not inherit a vote.
  const path = join(dataDir, `vote-${encodeURIComponent(voter)}.json`);
  return {
    path,
    read: () => readVote(path, voter),
    write: (vote) => {
      const body = bodyOf(voter, vote);
      writeDurably(path, `${JSON.stringify({ body, sha256: checksum(body) })}\n`);
    },
  };
}

function bodyOf(voter: string, vote: PersistedVote): string {
  return JSON.stringify({ format: 1, voter, term: vote.term, votedFor: vote.votedFor });
}

function readVote(path: string, voter: string): PersistedVote {
  let text: string | null;
  try {
    text = readIfThere(path);
  } catch (cause) {
    throw unusable(path, `it cannot be read: ${errorText(cause)}`, cause);
  }
  if (text === null) return { term: 0, votedFor: null };
  const body = sealedBody(text);
  if (body === null) throw unusable(path, "its checksum does not match");
  const fields: unknown = JSON.parse(body);
  const vote = asVote(fields);
  if (vote === null) throw unusable(path, "it is of another format");
  if (vote.voter !== voter) throw unusable(path, `it is the vote of ${vote.voter}, not of ${voter}`);
  return { term: vote.term, votedFor: vote.votedFor };
}

function sealedBody(text: string): string | null {
  try {
    const sealed: unknown = JSON.parse(text);
    if (typeof sealed !== "object" || sealed === null || !("body" in sealed) || !("sha256" in sealed))
      return null;
    const { body, sha256 } = sealed;
    return typeof body === "string" && checksum(body) === sha256 ? body : null;
  } catch {
    return null;
  }
}

function asVote(fields: unknown): (PersistedVote & { readonly voter: string }) | null {
  if (typeof fields !== "object" || fields === null) return null;
  const { format, voter, term, votedFor } = fields as Readonly<Record<string, unknown>>;
  if (format !== 1 || typeof voter !== "string") return null;
  if (typeof term !== "number" || !Number.isSafeInteger(term) || term < 0) return null;
  if (votedFor !== null && typeof votedFor !== "string") return null;
  return { voter, term, votedFor };
}

function unusable(path: string, why: string, cause?: unknown): MeshError {
  return new MeshError(`The vote file ${path} is unusable: ${why}.`, {
    code: "VOTE_FILE",
    nextStep:
      "Starting without it could let this server vote twice. Restore it, or give the server a new voter id and an empty data directory.",
    ...(cause === undefined ? {} : { cause }),
  });
}
