// core: pure
/** One condition of readiness, with the reason for its answer. */
export interface Gate {
  readonly name: string;
  readonly ok: boolean;
  readonly reason: string;
}

export interface Readiness {
  readonly ready: boolean;
  readonly gates: readonly Gate[];
}

/** Ready when every gate is; a gate without any other is not ready, since nothing was asked. */
export function readiness(gates: readonly Gate[]): Readiness {
  return { ready: gates.length > 0 && gates.every((gate) => gate.ok), gates };
}

/** The `?verbose` text, in the form that Kubernetes' own probes use. */
export function readinessText({ ready, gates }: Readiness): string {
  const lines = gates.map(
    (gate) => `[${gate.ok ? "+" : "-"}]${gate.name} ${gate.ok ? "ok" : `failed: ${gate.reason}`}`,
  );
  return `${lines.join("\n")}\nreadyz check ${ready ? "passed" : "failed"}\n`;
}
