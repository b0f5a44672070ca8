import { parseXml, XmlElement, XmlText } from "@rgrove/parse-xml";
import { errorText } from "@ringrift/protocol";
import { ProbeError } from "../probe-error.ts";

/** One element with the text of its own and its child elements in order. */
export interface SmiElement {
  readonly name: string;
  readonly id: string | null;
  readonly text: string;
  readonly children: readonly SmiElement[];
}

export interface SmiXml {
  readonly root: SmiElement;
  /** Text around the document, where nvidia-smi complains of single cards. */
  readonly notices: string;
}

const opening = "<nvidia_smi_log";
const closing = "</nvidia_smi_log>";
/** Long parts nobody judges. */
const unread = ["accounted_processes", "supported_clocks"] as const;
const maxDepth = 20;

/**
 * The document in the output of `nvidia-smi -q -x`.
 * @throws ProbeError `PROBE_BAD_INPUT` when it is missing, cut off or not well-formed; the text says which.
 */
export function parseSmiXml(output: string): SmiXml {
  const start = output.indexOf(opening);
  const end = output.lastIndexOf(closing);
  if (start < 0) throw badOutput("nvidia-smi printed no XML document");
  if (end < start) throw badOutput("the XML of nvidia-smi is cut off");
  const body = escapeNames(unread.reduce(withoutElement, output.slice(start, end + closing.length)));
  let root: XmlElement | null;
  try {
    root = parseXml(body).root;
  } catch (error) {
    throw badOutput(`the XML of nvidia-smi is malformed: ${errorText(error).split("\n")[0] ?? ""}`);
  }
  if (root === null) throw badOutput("the XML of nvidia-smi is empty");
  const before = output.slice(0, start).replace(/<[?!][^>]*>/g, "");
  return {
    root: toElement(root, 0),
    notices: `${before}\n${output.slice(end + closing.length)}`.trim(),
  };
}

function badOutput(message: string): ProbeError {
  return new ProbeError(
    "PROBE_BAD_INPUT",
    `${message}.`,
    "Run `nvidia-smi -q -x` on the host and look at what it prints.",
  );
}

/** Some drivers write process names as they are, so that `<` and `&` in one would spoil the whole document. */
function escapeNames(text: string): string {
  return text.replace(
    /(<process_name>)([^\n]*?)(<\/process_name>)/g,
    (_, open: string, name: string, close: string) =>
      open + name.replace(/&(?!(?:amp|lt|gt|quot|apos);)/g, "&amp;").replace(/</g, "&lt;") + close,
  );
}

function withoutElement(text: string, name: string): string {
  const open = `<${name}>`;
  const close = `</${name}>`;
  const parts: string[] = [];
  let from = 0;
  for (;;) {
    const start = text.indexOf(open, from);
    const end = start < 0 ? -1 : text.indexOf(close, start);
    if (end < 0) return parts.join("") + text.slice(from);
    parts.push(text.slice(from, start));
    from = end + close.length;
  }
}

function toElement(element: XmlElement, depth: number): SmiElement {
  if (depth > maxDepth) throw badOutput(`the XML of nvidia-smi nests deeper than ${maxDepth} levels`);
  const texts = element.children.filter((child) => child instanceof XmlText).map((child) => child.text);
  const elements = element.children.filter((child) => child instanceof XmlElement);
  return {
    name: element.name,
    id: element.attributes.id ?? null,
    text: texts.join(" ").trim(),
    children: elements.map((child) => toElement(child, depth + 1)),
  };
}

/** The element at `path` below `element`; null where a name is missing. */
export function descend(element: SmiElement, ...path: readonly string[]): SmiElement | null {
  let current: SmiElement | undefined = element;
  for (const name of path) current = current?.children.find((child) => child.name === name);
  return current ?? null;
}

/** The text at `path` below `element`; null where there is none. */
export function textAt(element: SmiElement, ...path: readonly string[]): string | null {
  return descend(element, ...path)?.text ?? null;
}

/** Every text of the element and below it. */
export function allTexts(element: SmiElement): string[] {
  return [...(element.text === "" ? [] : [element.text]), ...element.children.flatMap(allTexts)];
}
