// core: pure

/** Shares of a kernel limit above which it is scarce, and above which what asks for more is about to be refused. */
export const scarcity: { readonly scarce: number; readonly nearlyNone: number } = {
  scarce: 0.8,
  nearlyNone: 0.95,
};

export function stateOfShare(ratio: number): "healthy" | "degraded" | "unhealthy" {
  if (ratio > scarcity.nearlyNone) return "unhealthy";
  return ratio > scarcity.scarce ? "degraded" : "healthy";
}
