/** One import of a module, as written in the source. */
export interface ImportSite {
  readonly specifier: string;
  readonly line: number;
  /** True when the whole import is erased: `import type … from`. */
  readonly typeOnly: boolean;
}

/** A source file without what is not code. */
export interface ScannedSource {
  /** The source with comments and the text of strings blanked; line numbers hold. */
  readonly code: string;
  readonly imports: readonly ImportSite[];
}

/** Finds the imports of a TypeScript source, and blanks its comments and strings. */
export function scanSource(source: string): ScannedSource {
  const { code, strings } = blank(source);
  const imports: ImportSite[] = [];
  // A string keeps its quotes and its length, so its offset in `code` is its offset in the source.
  const site =
    /\b(?:(import|export)\s+(type\s+)?[^;"'()]*?\bfrom\s*|import\s*\(?\s*|require\s*\(\s*)(?=["'])/g;
  for (const match of code.matchAll(site)) {
    const offset = match.index + match[0].length;
    const specifier = strings.get(offset);
    if (specifier === undefined) continue;
    imports.push({ specifier, line: lineAt(code, offset), typeOnly: match[2] !== undefined });
  }
  return { code, imports };
}

/** The line (from 1) of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let index = 0; index < offset; index += 1) if (text[index] === "\n") line += 1;
  return line;
}

interface Piece {
  readonly end: number;
  readonly kind: "comment" | "string" | "template" | "regex" | "code";
}

function blank(source: string): { code: string; strings: Map<number, string> } {
  const strings = new Map<number, string>();
  // One entry per open `${`: how many braces are open inside it.
  const templates: number[] = [];
  let code = "";
  while (code.length < source.length) {
    const start = code.length;
    const { end, kind } = nextPiece(source, code, templates);
    const text = source.slice(start, end);
    if (kind === "string") strings.set(start, text.slice(1, -1));
    if (kind === "code") code += text;
    else if (kind === "comment" || kind === "regex") code += hidden(text);
    // The delimiters stay: they tell where a value stood.
    else code += text.slice(0, 1) + hidden(text.slice(1, -1)) + text.slice(-1);
  }
  return { code, strings };
}

const hidden = (text: string): string => text.replace(/[^\n]/g, " ");

function nextPiece(source: string, code: string, templates: number[]): Piece {
  const start = code.length;
  const character = source[start] ?? "";
  if (source.startsWith("//", start)) return { end: endOf(source, "\n", start), kind: "comment" };
  if (source.startsWith("/*", start)) return { end: endOf(source, "*/", start + 2) + 2, kind: "comment" };
  if (character === '"' || character === "'")
    return { end: endOfQuoted(source, start, character), kind: "string" };
  if (character === "/" && regexMayStart(code)) return { end: endOfRegex(source, start), kind: "regex" };
  const open = templates.at(-1);
  if (character === "`" || (character === "}" && open === 0)) {
    if (character === "}") templates.pop();
    const end = endOfTemplateText(source, start + 1);
    if (source[end - 1] === "{") templates.push(0);
    return { end, kind: "template" };
  }
  if (open !== undefined && character === "{") templates[templates.length - 1] = open + 1;
  if (open !== undefined && character === "}") templates[templates.length - 1] = open - 1;
  return { end: start + 1, kind: "code" };
}

function endOf(source: string, mark: string, from: number): number {
  const end = source.indexOf(mark, from);
  return end === -1 ? source.length : end;
}

function endOfQuoted(source: string, start: number, quote: string): number {
  let end = start + 1;
  while (end < source.length && source[end] !== quote && source[end] !== "\n")
    end += source[end] === "\\" ? 2 : 1;
  return end + 1;
}

// Past the closing backtick, or past the next `${`.
function endOfTemplateText(source: string, start: number): number {
  let end = start;
  while (end < source.length && source[end] !== "`" && !source.startsWith("${", end)) {
    end += source[end] === "\\" ? 2 : 1;
  }
  return end + (source[end] === "$" ? 2 : 1);
}

function endOfRegex(source: string, start: number): number {
  let end = start + 1;
  let inClass = false;
  while (end < source.length && source[end] !== "\n") {
    const character = source[end];
    if (character === "/" && !inClass) return end + 1;
    if (character === "[") inClass = true;
    if (character === "]") inClass = false;
    end += character === "\\" ? 2 : 1;
  }
  return end;
}

// A slash divides after a value and starts a regular expression after anything else.
function regexMayStart(code: string): boolean {
  const before = code.slice(-200).trimEnd();
  if (/\b(?:return|typeof|case|in|of|do|else|void|yield|await)$/.test(before)) return true;
  return !/[\w$)\]}"'`]$/.test(before);
}
