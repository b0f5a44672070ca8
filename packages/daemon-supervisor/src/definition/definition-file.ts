import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { errorText, RingRiftError } from "@ringrift/protocol";
import type { DaemonDefinition, DefinitionProblem } from "./definition.ts";
import { type DefinitionHost, thisHost } from "./definition-host.ts";
import { problemsError, problemText } from "./definition-problems.ts";
import { readDefinitions } from "./definition-reader.ts";

/**
 * Reads the text of a daemons file. `file` is named in errors, and paths of env files start from its folder.
 * @throws RingRiftError `DAEMONS_INVALID` with file, line, key and reason of every mistake.
 */
export function parseDaemonsFile(
  text: string,
  file: string,
  host: DefinitionHost = thisHost(dirname(file)),
): DaemonDefinition[] {
  const { LineCounter, parseDocument } = yaml();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  if (document.errors.length > 0) {
    throw problemsError(
      document.errors.map((error) => `${file}:${lines.linePos(error.pos[0]).line}: ${error.message}`),
    );
  }
  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw problemsError([`${file}: ${errorText(error)}`]);
  }
  const { definitions, problems } = readDefinitions(data, host);
  if (problems.length > 0) {
    const at = (problem: DefinitionProblem): number =>
      lines.linePos(offsetOf(document.contents, problem.path)).line;
    const inOrder = problems.toSorted((one, other) => at(one) - at(other));
    throw problemsError(inOrder.map((problem) => `${file}:${at(problem)}: ${problemText(problem)}`));
  }
  return definitions;
}

/**
 * Loads the daemons file at `path`.
 * @throws RingRiftError `DAEMONS_FILE_UNREADABLE`, or `DAEMONS_INVALID` with file, line, key and reason of every mistake.
 */
export function loadDaemonsFile(path: string): DaemonDefinition[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new RingRiftError(`Cannot read the daemons file ${path}: ${errorText(error)}`, {
      code: "DAEMONS_FILE_UNREADABLE",
      nextStep: "Give the path of a readable YAML file with a list under the key daemons.",
      cause: error,
    });
  }
  return parseDaemonsFile(text, path);
}

/** Loaded for a file alone: an agent without daemons need not carry the parser. */
function yaml(): typeof import("yaml") {
  return createRequire(import.meta.url)("yaml");
}

/** Where a key stands in the text; of a missing key, where the thing stands that lacks it. */
function offsetOf(root: unknown, path: readonly PropertyKey[]): number {
  const { isMap, isNode, isScalar } = yaml();
  let node: unknown = root;
  let offset = 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
      if (pair === undefined) break;
      if (isNode(pair.key) && pair.key.range) offset = pair.key.range[0];
      node = pair.value;
    } else if (typeof key === "number" && isNode(node) && "items" in node && Array.isArray(node.items)) {
      node = node.items[key];
      if (isNode(node) && node.range) offset = node.range[0];
    } else break;
  }
  return offset;
}
