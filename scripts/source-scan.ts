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

function blank(source: string): { code: string; strings: Map<number, string> } {
  const strings = new Map<number, string>();
  const output: string[] = [];
  // One entry per open `${`: how many braces are open inside it.
  const templates: number[] = [];
  let index = 0;
  const hide = (end: number): void => {
    output.push(source.slice(index, end).replace(/[^\n]/g, " "));
    index = end;
  };
  const keep = (length: number): void => {
    output.push(source.slice(index, index + length));
    index += length;
  };
  const templateText = (): void => {
    const end = endOfTemplateText(source, index);
    hide(end);
    if (source.startsWith("${", index)) {
      templates.push(0);
      keep(2);
    } else keep(1);
  };
  while (index < source.length) {
    const character = source[index];
    const open = templates.at(-1);
    if (source.startsWith("//", index)) hide(endOf(source, "\n", index));
    else if (source.startsWith("/*", index))
      hide(Math.min(endOf(source, "*/", index + 2) + 2, source.length));
    else if (character === '"' || character === "'") {
      const end = endOfQuoted(source, index, character);
      strings.set(index, source.slice(index + 1, end));
      keep(1);
      hide(end);
      keep(1);
    } else if (character === "`") {
      keep(1);
      templateText();
    } else if (character === "/" && regexMayStart(output)) {
      hide(endOfRegex(source, index));
    } else if (character === "}" && open === 0) {
      templates.pop();
      keep(1);
      templateText();
    } else {
      if (open !== undefined && character === "{") templates[templates.length - 1] = open + 1;
      if (open !== undefined && character === "}") templates[templates.length - 1] = open - 1;
      keep(1);
    }
  }
  return { code: output.join(""), strings };
}

function endOf(source: string, mark: string, from: number): number {
  const end = source.indexOf(mark, from);
  return end === -1 ? source.length : end;
}

function endOfQuoted(source: string, start: number, quote: string): number {
  let end = start + 1;
  while (end < source.length && source[end] !== quote && source[end] !== "\n")
    end += source[end] === "\\" ? 2 : 1;
  return end;
}

function endOfTemplateText(source: string, start: number): number {
  let end = start;
  while (end < source.length && source[end] !== "`" && !source.startsWith("${", end)) {
    end += source[end] === "\\" ? 2 : 1;
  }
  return end;
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
function regexMayStart(output: readonly string[]): boolean {
  const before = output.slice(-80).join("").trimEnd();
  if (/\b(?:return|typeof|case|in|of|do|else|void|yield|await)$/.test(before)) return true;
  return !/[\w$)\]}"'`]$/.test(before);
}
