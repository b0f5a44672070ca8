// core: pure
// A line in a log file, in the format of the Kubernetes container runtime interface: TIME STREAM TAG TEXT, where the tag is
// F for a full line and P for a part that goes on in the next.
import type { LinePiece } from "./line-splitter.ts";
import type { LogLine, LogStream } from "./log-ring.ts";

/** The pieces of one chunk as bytes to be appended to the file. */
export function logBlock(stream: LogStream, pieces: readonly LinePiece[], timeMs: number): Uint8Array {
  const encoder = new TextEncoder();
  const prefix = `${new Date(timeMs).toISOString()} ${stream}`;
  const [full, part] = [encoder.encode(`${prefix} F `), encoder.encode(`${prefix} P `)];
  const block = new Uint8Array(pieces.reduce((sum, { bytes }) => sum + full.length + bytes.length + 1, 0));
  let at = 0;
  for (const { bytes, partial } of pieces) {
    block.set(partial ? part : full, at);
    block.set(bytes, at + full.length);
    at += full.length + bytes.length + 1;
    block[at - 1] = 0x0a;
  }
  return block;
}

const shape = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (stdout|stderr) ([FP]) (.*)$/;

/** Null for what is no line of ours, as after a crash in the middle of a write. */
export function parseLogLine(text: string): LogLine | null {
  const [, time = "", stream, tag, words = ""] = shape.exec(text) ?? [];
  if (stream !== "stdout" && stream !== "stderr") return null;
  const line = { stream, text: words, timeMs: Date.parse(time) } as const;
  return tag === "P" ? { ...line, partial: true } : line;
}
