import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gpuMeasures } from "./gpu-measures.ts";
import { parseSmi } from "./smi-parse.ts";

const folder = new URL("../../fixtures/xml/", import.meta.url);
const captures = readdirSync(folder).map((name) =>
  readFileSync(new URL(name, folder), "utf8").replace(/<supported_clocks>[\s\S]*?<\/supported_clocks>/g, ""),
);

const words = [
  "N/A",
  "Not Supported",
  "Not Applicable",
  "Unknown Error",
  "Insufficient Permissions",
  "Requested functionality has been deprecated",
  "ERR!",
  "",
];
/** Each word as nvidia-smi may write it: bare or in brackets, in any case, with blanks around. */
const rendering = fc
  .tuple(fc.constantFrom(...words), fc.boolean(), fc.constantFrom("", " ", "\r\n  "), fc.boolean())
  .map(([word, bracketed, blanks, lower]) => {
    const text = bracketed && word !== "" ? `[${word}]` : word;
    return blanks + (lower ? text.toLowerCase() : text) + blanks;
  });

/** Every element of a card that holds a value, by where it stands in the text. */
const cells = captures.flatMap((xml, capture) => {
  const body = xml.indexOf("<gpu id=");
  return [
    ...xml.slice(body).matchAll(/<(\w+)>([^<>]*\d[^<>]*|Yes|No|Active|Not Active|Enabled|Disabled)<\/\1>/g),
  ]
    .filter(([, name = ""]) => !/uuid|serial|name|version|id$|index|minor|board/.test(name))
    .map((match) => ({
      capture,
      name: match[1] ?? "",
      from: body + match.index + match[0].indexOf(">") + 1,
      length: match[2]?.length ?? 0,
    }));
});

function valuesOf(xml: string): ReadonlyMap<string, number | null> {
  const [card] = parseSmi(xml).gpus;
  if (card === undefined) throw new Error("no card");
  return new Map(
    gpuMeasures(card).map(({ name, labels, value }) => [`${name} ${JSON.stringify(labels)}`, value]),
  );
}

const valuesBefore = captures.map(valuesOf);

/** Values that are taken from another place of the card when the first has none. */
const secondPlaces = /power|margin|performance_state|reset_pending/;

describe("a cell without a value", () => {
  it("brings none, in whatever way nvidia-smi says so, and changes no other", () => {
    fc.assert(
      fc.property(fc.constantFrom(...cells), rendering, ({ capture, name, from, length }, text) => {
        const xml = captures[capture] ?? "";
        const before = valuesBefore[capture];
        const after = valuesOf(xml.slice(0, from) + text + xml.slice(from + length));
        for (const [series, value] of after) {
          if (value === null || secondPlaces.test(series)) continue;
          expect(value, `${series} after <${name}>${text}`).toBe(before?.get(series));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("that is the utilisation is neither 0 nor idle", () => {
    fc.assert(
      fc.property(fc.constantFrom(...captures), rendering, (xml, text) => {
        const [card] = parseSmi(xml.replace(/<gpu_util>[^<]*</, `<gpu_util>${text}<`)).gpus;
        if (xml.includes("<gpu_util>")) expect(card?.utilization.value).toBeNull();
      }),
    );
  });
});
