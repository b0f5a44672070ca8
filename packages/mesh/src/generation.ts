import { join } from "node:path";
import { type ElectorKind, generationAtLeast, kindOf } from "./core/epoch.ts";
import { openSealedFile } from "./sealed-file.ts";

/**
 * This server's generation of leadership, kept in its data directory: it rises when the server is started with another
 * back end, and follows what other servers and the back end tell.
 */
export class Generation {
  readonly #kind: ElectorKind;
  readonly #write: (value: number, term: number) => void;
  #value: number;
  #term: number;
  #overtakenBy = 0;

  constructor(kind: ElectorKind, kept: Kept, write: (value: number, term: number) => void) {
    this.#kind = kind;
    this.#write = write;
    this.#value = generationAtLeast(kept.generation, kind);
    this.#term = this.#value === kept.generation ? kept.term : 0;
    // Before anything is said under it: a generation that was used must never be forgotten.
    if (this.#value !== kept.generation) write(this.#value, this.#term);
  }

  get value(): number {
    return this.#value;
  }

  /** The highest term that `noteTerm` was told of in this generation. */
  get term(): number {
    return this.#term;
  }

  /** The back end that other servers have moved on to; this one must lead no more. Null while there is none. */
  get overtakenBy(): ElectorKind | null {
    return this.#overtakenBy > this.#value ? kindOf(this.#overtakenBy) : null;
  }

  /** Takes in a generation that another server or the back end told of. Returns whether something changed. @throws when the disk refuses */
  hear(generation: number): boolean {
    if (generation <= Math.max(this.#value, this.#overtakenBy)) return false;
    if (kindOf(generation) === this.#kind) this.raise(generation);
    else this.#overtakenBy = generation;
    return true;
  }

  /** Begins the first generation of this back end that is not below `floor`. @throws when the disk refuses */
  raise(floor: number): void {
    const next = generationAtLeast(Math.max(floor, this.#value), this.#kind);
    if (next === this.#value) return;
    this.#write(next, 0);
    this.#value = next;
    this.#term = 0;
  }

  /** Keeps the highest term, for back ends whose own history might be lost. @throws when the disk refuses */
  noteTerm(term: number): void {
    if (term <= this.#term) return;
    this.#write(this.#value, term);
    this.#term = term;
  }
}

interface Kept {
  readonly generation: number;
  readonly term: number;
}

/** @throws MeshError `GENERATION_FILE` when the file is corrupt or unreadable; a missing file is a first start. */
export function openGeneration(dataDir: string, kind: ElectorKind): Generation {
  const file = openSealedFile(join(dataDir, "generation.json"), {
    what: "generation file",
    code: "GENERATION_FILE",
    nextStep:
      "Restore it, or copy it from another server of this cluster: starting without it could reuse an old epoch.",
  });
  const fields = file.read() ?? { format: 1, generation: 0, term: 0 };
  const { format, generation, term } = fields;
  if (format !== 1 || !isCount(generation) || !isCount(term)) throw file.unusable("it is of another format");
  return new Generation(kind, { generation, term }, (value, highest) =>
    file.write({ format: 1, generation: value, term: highest }),
  );
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
