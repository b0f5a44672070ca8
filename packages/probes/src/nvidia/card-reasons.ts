// core: pure
import type { GpuStatus } from "@ringrift/protocol";

type CardId = Pick<GpuStatus, "index" | "busId">;

/** How people find a card: its index, where the driver still gives it one, and its bus id. */
export function cardName({ index, busId }: CardId): string {
  return index === null ? busId : `${index} (${busId})`;
}

/** What is wrong with cards, once for all of which it is true: eight cards often share one fate. */
export function cardReasons(cards: readonly (CardId & { readonly reason: string })[]): string[] {
  return [...Map.groupBy(cards, ({ reason }) => reason)].map(([reason, alike]) =>
    alike.length === 1
      ? `GPU ${alike.map(cardName).join()}: ${reason}`
      : `GPUs ${alike.map(({ index, busId }) => index ?? busId).join(", ")}, each: ${reason}`,
  );
}
