import { createRequire } from "node:module";
import type { Pair } from "yaml";
import type { ConfigProblem } from "./config-error.ts";

/** One `key: value` of a YAML file with its place, as `file:line:column`. */
interface FileEntry {
  readonly key: string;
  readonly text: string;
  readonly source: string;
}

export interface FileReading {
  readonly entries: readonly FileEntry[];
  readonly problems: readonly ConfigProblem[];
}

/** Reads a flat YAML map of settings. Lists are joined by commas, as the variables write them. */
export function readConfigText(path: string, text: string): FileReading {
  const { isMap, isScalar, LineCounter, parseDocument } = yaml();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => {
      const problem = `is not valid YAML: ${error.message.split("\n")[0] ?? ""}`;
      return { key: path, source: at(error.pos[0]), value: null, problem };
    });
    return { entries: [], problems };
  }
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return { entries: [], problems: [] };
  if (!isMap(root)) {
    const problem = "must be a map of settings, one `key: value` a line";
    return { entries: [], problems: [{ key: path, source: `${path}:1:1`, value: null, problem }] };
  }
  const entries: FileEntry[] = [];
  const problems: ConfigProblem[] = [];
  for (const pair of root.items) {
    const source = at(offsetOf(pair));
    const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    const value = valueText(pair.value);
    if (value === null) {
      const problem = "must be one value or a list of values, not empty and not nested";
      problems.push({ key, source, value: null, problem });
    } else {
      entries.push({ key, text: value, source });
    }
  }
  return { entries, problems };
}

/** Loaded for a file alone: many programs run without one and need not carry the parser. */
function yaml(): typeof import("yaml") {
  return createRequire(import.meta.url)("yaml");
}

function offsetOf(pair: Pair): number {
  const { isAlias, isMap, isScalar, isSeq } = yaml();
  const key = pair.key;
  return isScalar(key) || isMap(key) || isSeq(key) || isAlias(key) ? (key.range?.[0] ?? 0) : 0;
}

function valueText(node: unknown): string | null {
  const { isScalar, isSeq } = yaml();
  if (isScalar(node)) return node.value === null ? null : (node.source ?? String(node.value));
  if (!isSeq(node) || node.items.length === 0) return null;
  const parts = node.items.map((item) => (isScalar(item) && item.value !== null ? String(item.value) : null));
  return parts.some((part) => part === null || part.includes(",")) ? null : parts.join(",");
}
