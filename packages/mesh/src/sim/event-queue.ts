interface Entry {
  readonly at: number;
  /** Keeps events of one instant in the order they were added. */
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time: the next event is always the earliest one (a binary heap). */
export interface EventQueue {
  readonly add: (at: number, run: () => void) => void;
  /** Runs events up to and including `until`, one after another, while `goOn` says so. */
  readonly runUntil: (until: number, goOn: () => boolean) => void;
  readonly now: () => number;
}

export function createEventQueue(): EventQueue {
  const heap: Entry[] = [];
  let now = 0;
  let added = 0;
  return {
    now: () => now,
    add: (at, run) => {
      added += 1;
      push(heap, { at: Math.max(at, now), order: added, run });
    },
    runUntil: (until, goOn) => {
      while (goOn()) {
        const first = heap[0];
        if (first === undefined || first.at > until) break;
        pop(heap);
        now = first.at;
        first.run();
      }
      if (goOn()) now = until;
    },
  };
}

function earlier(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.push(entry) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !earlier(entry, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    const left = heap[index * 2 + 1];
    const right = heap[index * 2 + 2];
    if (left === undefined) break;
    const rightIsFirst = right !== undefined && earlier(right, left);
    const child = rightIsFirst ? right : left;
    if (!earlier(child, last)) break;
    heap[index] = child;
    index = index * 2 + (rightIsFirst ? 2 : 1);
  }
  heap[index] = last;
}
