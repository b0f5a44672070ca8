// core: pure
import { maxReasonLength } from "@ringrift/protocol";

/** A reason as events take it: cut to length, since a reason that is too long must not cost the event. */
export function eventReason(text: string): string {
  return text.length > maxReasonLength ? `${text.slice(0, maxReasonLength - 1)}…` : text;
}
