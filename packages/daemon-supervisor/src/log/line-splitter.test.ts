import { expect, it } from "vitest";
import { LineSplitter } from "./line-splitter.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = (pieces: readonly { readonly bytes: Uint8Array; readonly partial: boolean }[]): string[] =>
  pieces.map((piece) => `${piece.partial ? "P" : "F"} ${new TextDecoder().decode(piece.bytes)}`);

it("joins lines split over chunks, and takes carriage returns off", () => {
  const splitter = new LineSplitter(100);
  expect(texts(splitter.push(bytes("hel")))).toEqual([]);
  expect(texts(splitter.push(bytes("lo\r\n\nrest")))).toEqual(["F hello", "F "]);
  expect(texts(splitter.flush())).toEqual(["F rest"]);
  expect(texts(splitter.flush())).toEqual([]);
});

it("keeps a line of exactly the limit whole and cuts one byte more in two", () => {
  const splitter = new LineSplitter(4);
  expect(texts(splitter.push(bytes("abcd\nabcde\n")))).toEqual(["F abcd", "P abcd", "F e"]);
});

it("never cuts a character in two", () => {
  const splitter = new LineSplitter(4);
  expect(texts(splitter.push(bytes("ab😀éé\n")))).toEqual(["P ab", "P 😀", "F éé"]);
});

it("gives every byte back, however the stream is cut, also where it is no UTF-8", () => {
  const noise = Uint8Array.from({ length: 20_000 }, (_, i) => (i * 7919 + (i >> 3)) % 256).filter(
    (b) => b !== 13,
  );
  for (const step of [1, 7, 1000, 20_000]) {
    const splitter = new LineSplitter(64);
    const pieces = [];
    for (let at = 0; at < noise.length; at += step) {
      // What is pushed is valid until the next push only.
      for (const piece of splitter.push(noise.subarray(at, at + step)))
        pieces.push({ bytes: piece.bytes.slice(), partial: piece.partial });
    }
    const rest = splitter.flush();
    const joined = [
      ...pieces.flatMap((piece) => [...piece.bytes, ...(piece.partial ? [] : [10])]),
      ...rest.flatMap((piece) => [...piece.bytes]),
    ];
    expect(Uint8Array.from(joined)).toEqual(noise);
    expect(Math.max(...pieces.map((piece) => piece.bytes.length))).toBeLessThanOrEqual(64);
  }
});

it("holds no more than the limit of a line that never ends", () => {
  const splitter = new LineSplitter(8192);
  let taken = 0;
  for (let i = 0; i < 800; i += 1)
    for (const piece of splitter.push(new Uint8Array(65_536).fill(120))) taken += piece.bytes.length;
  expect(taken).toBeGreaterThanOrEqual(800 * 65_536 - 8192);
});
