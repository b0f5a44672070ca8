// core: pure
import { type SmiElement, textAt } from "./smi-document.ts";
import { absent } from "./smi-value.ts";

/** How far the card has joined its NVLink fabric; null where it has none. */
export interface Fabric {
  /** `Completed` once it is part of it. */
  readonly state: string;
  readonly status: string | null;
  /** The driver's summary of the fabric's health, from driver 580 on. */
  readonly health: string | null;
}

export function parseFabric(card: SmiElement): Fabric | null {
  const said = (...path: readonly string[]): string | null => {
    const text = textAt(card, "fabric", ...path);
    return text === null || text === "" || absent(text).absence === "not_applicable"
      ? null
      : text.slice(0, 60);
  };
  const state = said("state");
  if (state === null || /not supported/i.test(state)) return null;
  return { state, status: said("status"), health: said("health", "summary") };
}

/** What is wrong with the fabric; null when nothing is. `broken`: it will not mend by waiting. */
export function fabricFault(
  fabric: Fabric | null,
): { readonly reason: string; readonly broken: boolean } | null {
  if (fabric === null) return null;
  const { state, status, health } = fabric;
  if (!/^completed$/i.test(state))
    return { reason: `the NVLink fabric is not ready (${state})`, broken: false };
  if (status !== null && !/^success$/i.test(status))
    return { reason: `joining the NVLink fabric failed (${status})`, broken: true };
  if (health !== null && /unhealthy|limited|degraded/i.test(health))
    return { reason: `the NVLink fabric is ${health.toLowerCase()}`, broken: /unhealthy/i.test(health) };
  return null;
}
