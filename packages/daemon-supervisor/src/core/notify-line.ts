// What a daemon says through its notification pipe: a bare line (as s6 has it) or the words of sd_notify.

export type Notification =
  | { readonly kind: "ready" }
  | { readonly kind: "alive" }
  | { readonly kind: "extend"; readonly byMs: number }
  | { readonly kind: "status"; readonly text: string }
  | { readonly kind: "failing" }
  | { readonly kind: "unknown" };

/** Longest extension that one line can ask for. */
const longestExtensionMs = 3_600_000;

/** One line, without its newline. Once a daemon is ready, a bare line is a sign of life. */
export function parseNotification(line: string, isReady: boolean): Notification {
  const text = line.trim();
  if (text === "") return isReady ? { kind: "alive" } : { kind: "ready" };
  if (text === "READY=1") return { kind: "ready" };
  if (text === "WATCHDOG=1") return { kind: "alive" };
  if (text === "WATCHDOG=trigger") return { kind: "failing" };
  if (text.startsWith("STATUS=")) return { kind: "status", text: text.slice(7, 207) };
  const extension = /^EXTEND_TIMEOUT_USEC=(\d{1,15})$/.exec(text);
  if (extension === null) return { kind: "unknown" };
  return { kind: "extend", byMs: Math.min(Number(extension[1]) / 1000, longestExtensionMs) };
}
