import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Longer lines are nothing that a daemon notifies with; what is too long is dropped. */
const longestLine = 1024;

/** Reads the lines of a daemon's notification pipe until it closes. */
export function readNotifications(pipe: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let partial = "";
  pipe.on("data", (chunk: Buffer) => {
    const lines = (partial + decoder.write(chunk)).split("\n");
    partial = (lines.pop() ?? "").slice(0, longestLine);
    for (const line of lines) onLine(line.slice(0, longestLine));
  });
  pipe.on("error", () => undefined);
}
