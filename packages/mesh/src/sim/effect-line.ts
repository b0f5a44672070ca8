/** Effects of one core in their order: nothing passes a write that is not on disk yet. */
export interface EffectLine<Effect> {
  readonly push: (effects: readonly Effect[]) => void;
  readonly waiting: () => number;
  /** The process dies; the answer is the write that was under way. */
  readonly crash: () => Effect | null;
}

export interface EffectHandlers<Effect> {
  readonly isWrite: (effect: Effect) => boolean;
  /** Calls `done` after as long as the disk takes. */
  readonly wait: (done: () => void) => void;
  readonly store: (effect: Effect) => void;
  readonly act: (effect: Effect) => void;
}

export function createEffectLine<Effect>({
  isWrite,
  wait,
  store,
  act,
}: EffectHandlers<Effect>): EffectLine<Effect> {
  let waiting: Effect[] = [];
  let writing: Effect | null = null;
  let life = 0;

  const carryOut = (): void => {
    while (writing === null) {
      const effect = waiting.shift();
      if (effect === undefined) return;
      if (isWrite(effect)) startWrite(effect);
      else act(effect);
    }
  };
  const startWrite = (effect: Effect): void => {
    writing = effect;
    const startedIn = life;
    wait(() => {
      if (life !== startedIn) return;
      store(effect);
      writing = null;
      carryOut();
    });
  };

  return {
    push: (effects) => {
      if (effects.length === 0) return;
      waiting.push(...effects);
      carryOut();
    },
    waiting: () => waiting.length,
    crash: () => {
      const lost = writing;
      waiting = [];
      writing = null;
      life += 1;
      return lost;
    },
  };
}
