import { acceptedText, type Setting } from "./settings.ts";

export type SettingValue = string | number | readonly string[] | null;

export type Parsed =
  | { readonly ok: true; readonly value: SettingValue }
  | { readonly ok: false; readonly problem: string };

const longestText = 4096;
const mostServers = 99;

/** Reads one value as typed; an empty one is refused, never taken for the default. */
export function parseValue(entry: Setting, text: string): Parsed {
  const trimmed = text.trim();
  if (trimmed === "") return refuse(entry, "is empty");
  if (trimmed.length > longestText) return refuse(entry, `is longer than ${longestText} characters`);
  if (hasControlCharacter(trimmed)) return refuse(entry, "has a control character");
  switch (entry.kind) {
    case "name":
      return /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(trimmed) ? accept(trimmed) : refuse(entry);
    case "host":
      return parseHost(entry, trimmed);
    case "port":
      return parseNumber({ ...entry, min: 0, max: 65_535 }, trimmed, true);
    case "number":
      return parseNumber(entry, trimmed, false);
    case "integer":
      return parseNumber(entry, trimmed, true);
    case "choice":
      return parseChoice(entry, trimmed);
    case "urls":
      return parseUrls(entry, trimmed, parseServerUrl);
    case "endpoints":
      return parseUrls(entry, trimmed, parseEndpoint);
    case "list":
      return parseList(entry, trimmed);
    case "file":
    case "directory":
    case "program":
    case "log":
      return accept(trimmed);
  }
}

/** Whether only this host can reach a socket that listens there. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  return bare === "localhost" || bare === "::1" || /^127(\.\d{1,3}){3}$/.test(bare);
}

function parseHost(entry: Setting, text: string): Parsed {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  const name = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/.test(bare);
  const ipv6 = bare.includes(":") && URL.canParse(`ws://[${bare}]/`);
  return name || ipv6 ? accept(bare) : refuse(entry);
}

function parseNumber(entry: Setting, text: string, whole: boolean): Parsed {
  // Number() would also take "", "0x10" and "Infinity".
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return refuse(entry);
  const value = Number(text);
  const inRange = value >= (entry.min ?? -Infinity) && value <= (entry.max ?? Infinity);
  if (!inRange || (whole && !Number.isInteger(value))) return refuse(entry);
  return accept(value);
}

function parseChoice(entry: Setting, text: string): Parsed {
  if (entry.choices?.includes(text)) return accept(text);
  return refuse(entry);
}

function parseList(entry: Setting, text: string): Parsed {
  const parts = text.split(",").map((part) => part.trim());
  return parts.length > mostServers || parts.includes("") ? refuse(entry) : accept(parts);
}

function parseUrls(entry: Setting, text: string, parse: (part: string) => string | null): Parsed {
  const urls: string[] = [];
  for (const part of text.split(",")) {
    const url = parse(part.trim());
    if (url === null) return refuse(entry);
    if (urls.includes(url)) return refuse(entry, "names one twice");
    urls.push(url);
  }
  return urls.length <= mostServers ? accept(urls) : refuse(entry, `names more than ${mostServers}`);
}

/** An entry may name its server: that name then stays the voter's when the address changes. */
function parseServerUrl(entry: string): string | null {
  const [, name = "", text = ""] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,99}=)?(.*)$/.exec(entry) ?? [];
  if (!/^wss?:\/\//i.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") return null;
  if (url.pathname === "/") url.pathname = "/mesh";
  return `${name}${url.href}`;
}

function parseEndpoint(text: string): string | null {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  const plain = url.pathname === "/" && url.search === "" && url.hash === "";
  return plain && url.username === "" && url.password === "" ? url.origin : null;
}

function hasControlCharacter(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 32 || code === 127) return true;
  }
  return false;
}

function accept(value: SettingValue): Parsed {
  return { ok: true, value };
}

function refuse(entry: Setting, why = "is not accepted"): Parsed {
  return { ok: false, problem: `${why}; expected ${acceptedText(entry)}` };
}
