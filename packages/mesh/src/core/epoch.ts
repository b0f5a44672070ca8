/** How leaders are chosen. */
export type ElectorKind = "standalone" | "mesh" | "etcd";

/** Fencing token of privileged acts: two leaders never have the same one, and a later leader has a higher one. */
export interface Epoch {
  /** Rises with each change of the way in which leaders are chosen. */
  readonly generation: number;
  /** Rises with each leader of one generation: the term of the mesh, the `create_revision` of the leader's key in etcd. */
  readonly term: number;
}

const kinds: readonly ElectorKind[] = ["standalone", "mesh", "etcd"];

/** As it is written everywhere: `generation.term`. */
export function formatEpoch({ generation, term }: Epoch): string {
  return `${generation}.${term}`;
}

/** The epoch that `text` writes; anything else is the lowest, `0.0`. */
export function parseEpoch(text: string): Epoch {
  const [, generation = "0", term = "0"] = /^(\d{1,16})\.(\d{1,16})$/.exec(text) ?? [];
  return { generation: Number(generation), term: Number(term) };
}

/** Negative when `a` is the older, 0 when they are the same, positive when `a` is the newer. */
export function compareEpochs(a: Epoch, b: Epoch): number {
  return a.generation - b.generation || a.term - b.term;
}

/**
 * The first generation of `kind` that is not below `floor`. A generation modulo three names its back end, so servers that
 * are configured apart can never lead under one epoch.
 */
export function generationAtLeast(floor: number, kind: ElectorKind): number {
  const remainder = kinds.indexOf(kind);
  return floor + ((remainder - (floor % kinds.length) + kinds.length) % kinds.length);
}

/** Which back end a generation belongs to. */
export function kindOf(generation: number): ElectorKind {
  return kinds[generation % kinds.length] ?? "standalone";
}
