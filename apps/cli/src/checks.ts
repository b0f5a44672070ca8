import type { SignalState } from "@ringrift/protocol";
import { tint, wrap } from "./table.ts";

/** From the worst to what needs nobody. */
export const signalOrder: readonly SignalState[] = [
  "unhealthy",
  "degraded",
  "unknown",
  "healthy",
  "not_applicable",
];

/** Checks with the worst first, and in their own order where they are alike. */
export function worstFirst<Check extends { readonly state: SignalState }>(checks: readonly Check[]): Check[] {
  return [...checks].sort((a, b) => signalOrder.indexOf(a.state) - signalOrder.indexOf(b.state));
}

/** What people can do about the checks, each once; null when there is nothing. */
export function whatToDo(
  checks: readonly { readonly check: string; readonly action?: string | undefined }[],
): string | null {
  const lines = checks.flatMap(({ check, action }) =>
    action === undefined || action === "" ? [] : [`  ${tint(check, "warn")}\n${wrap(action, 4)}`],
  );
  return lines.length === 0 ? null : ["What to do", ...lines].join("\n");
}
