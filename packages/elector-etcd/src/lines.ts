import { EtcdError } from "./elector-error.ts";

/** Reads a stream as lines of text. @throws EtcdError `ETCD_ANSWER_TOO_LONG` on a line beyond `maxBytes` */
export async function readLines(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
  onLine: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const [first = "", ...others] = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    const lines = [first, ...others];
    rest = lines.pop() ?? "";
    if (rest.length > maxBytes)
      throw new EtcdError(`An answer of etcd is longer than ${maxBytes} bytes.`, {
        code: "ETCD_ANSWER_TOO_LONG",
      });
    for (const line of lines) {
      if (line.trim() !== "") onLine(line);
    }
  }
  if (rest.trim() !== "") onLine(rest);
}
