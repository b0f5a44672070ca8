import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { fileSchema } from "./definition-schema.ts";

interface Described {
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
  readonly anyOf?: readonly Described[];
  readonly default?: unknown;
}

/** Every key of one daemon as the README writes it (`liveness.passes`), with its default where the schema has one. */
function keysOf(schema: Described, path: string): { key: string; default: unknown }[] {
  const inner = schema.properties === undefined && schema.items?.properties ? schema.items : schema;
  const keys = Object.entries(inner.properties ?? {}).flatMap(([name, value]) =>
    keysOf(value, path === "" ? name : `${path}.${name}`),
  );
  return keys.length > 0 ? keys : [{ key: path, default: schema.default }];
}

const described = z.toJSONSchema(fileSchema, { io: "input", unrepresentable: "any" }) as Described;
const keys = keysOf(described.properties?.daemons?.items ?? {}, "");
const rows = new Map(
  readFileSync(new URL("../../README.md", import.meta.url), "utf8")
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter((cells) => cells.length === 5 && cells[1]?.startsWith("`"))
    .map((cells) => [cells[1]?.replaceAll("`", "") ?? "", cells[2] ?? ""] as const),
);

it("finds the keys of the file at all", () => {
  expect(keys.map(({ key }) => key)).toEqual(
    expect.arrayContaining(["name", "liveness.passes", "logs.files"]),
  );
});

it("has a line in the README for every key, and none for a key that does not exist", () => {
  const documented = [...rows.keys()].filter((key) => key !== "dependsOn");
  expect(documented.toSorted()).toEqual(keys.map(({ key }) => key).toSorted());
});

it("tells the same defaults in the README as the schema has", () => {
  const plain = keys.filter((one) => ["number", "string", "boolean"].includes(typeof one.default));
  expect(plain.length).toBeGreaterThan(20);
  for (const { key, default: value } of plain)
    expect([key, rows.get(key)?.replaceAll("`", "")]).toEqual([key, String(value)]);
});
