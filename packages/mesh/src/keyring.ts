import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { errorText } from "@ringrift/protocol";
import { MeshError } from "./mesh-error.ts";

export interface MeshKey {
  /** Its name; `KID/NODE` for the key that one agent alone holds, derived from the key KID. */
  readonly kid: string;
  readonly secret: Uint8Array;
  /** Milliseconds since 1970 after which it is neither used nor accepted; null: never. */
  readonly notAfterMs: number | null;
}

/** Shared secrets of the cluster: the first valid one signs, all valid ones are accepted. Never empty. */
export interface Keyring {
  readonly keys: readonly MeshKey[];
}

const minSecretBytes = 32;
const maxKeys = 16;
const accepted =
  "Accepted: one kid:base64key[:notAfter] a line, kid/node for an agent's own key, 32 random bytes or more, notAfter as ISO 8601.";

/** Reads a keyring file. @throws MeshError `BAD_KEYRING` naming the file and the line. */
export function loadKeyring(path: string): Keyring {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new MeshError(`The keyring ${path} cannot be read: ${errorText(cause)}.`, {
      code: "BAD_KEYRING",
      nextStep: accepted,
      cause,
    });
  }
  return parseKeyring(text, path);
}

/** @throws MeshError `BAD_KEYRING` naming the line, never its content. `name` is what the messages call the text. */
export function parseKeyring(text: string, name: string): Keyring {
  const keys: MeshKey[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const key = parseLine(line, `line ${index + 1} of the keyring ${name}`);
    if (keys.some((other) => other.kid === key.kid))
      throw bad(`line ${index + 1} of the keyring ${name} repeats the key id ${key.kid}.`);
    keys.push(key);
  }
  if (keys.length === 0) throw bad(`the keyring ${name} holds no key.`);
  if (keys.length > maxKeys) throw bad(`the keyring ${name} holds more than ${maxKeys} keys.`);
  return { keys };
}

function parseLine(line: string, where: string): MeshKey {
  const match = /^([^:]*):([^:]*)(?::(.*))?$/.exec(line);
  if (match === null) throw bad(`${where} is not kid:base64key[:notAfter].`);
  const [, kid = "", encoded = "", until] = match;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?$/.test(kid))
    throw bad(`${where} has a bad key id; letters, digits, dot, dash and underscore, at most 40.`);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) throw bad(`${where} has a key that is not base64.`);
  const secret = Buffer.from(encoded, "base64");
  if (secret.length < minSecretBytes)
    throw bad(`${where} has a key of ${secret.length} bytes; ${minSecretBytes} are needed.`);
  const notAfterMs = until === undefined ? null : Date.parse(until);
  if (notAfterMs !== null && Number.isNaN(notAfterMs))
    throw bad(`${where} has a notAfter that is not a date.`);
  return { kid, secret, notAfterMs };
}

function bad(problem: string): MeshError {
  return new MeshError(`${problem[0]?.toUpperCase() ?? ""}${problem.slice(1)}`, {
    code: "BAD_KEYRING",
    nextStep: `${accepted} Make one with: echo "k1:$(openssl rand -base64 32)".`,
  });
}

/** The key to sign with at a wall-clock instant; null when every key has expired. */
export function signingKey(keyring: Keyring, nowMs: number): MeshKey | null {
  return keyring.keys.find((key) => isValid(key, nowMs)) ?? null;
}

/** The key that is valid for longest; null of no key at all. */
export function lastKey({ keys }: Keyring): MeshKey | null {
  const end = ({ notAfterMs }: MeshKey): number => notAfterMs ?? Number.POSITIVE_INFINITY;
  return keys.toSorted((a, b) => end(b) - end(a))[0] ?? null;
}

/** The named key while it is accepted; an agent's own key is derived where the key that it comes from is held. */
export function acceptedKey(keyring: Keyring, kid: string | null, nowMs: number): MeshKey | null {
  const held = keyring.keys.find((key) => key.kid === kid && isValid(key, nowMs));
  const nodeId = nodeOfKid(kid);
  if (held !== undefined || kid === null || nodeId === null) return held ?? null;
  const source = acceptedKey(keyring, kid.slice(0, -nodeId.length - 1), nowMs);
  return source === null ? null : agentKey(source, nodeId);
}

/** The node that alone may prove itself with this key; null for a key of every node. */
export function nodeOfKid(kid: string | null): string | null {
  return kid?.split("/")[1] ?? null;
}

/**
 * The key of one agent: it proves that agent and nothing else, and to that agent the servers. HMAC-SHA-256 over
 * `ringrift-agent:NODE` with the key that it comes from.
 */
export function agentKey(key: MeshKey, nodeId: string): MeshKey {
  const secret = createHmac("sha256", key.secret).update(`ringrift-agent:${nodeId}`).digest();
  return { kid: `${key.kid}/${nodeId}`, secret, notAfterMs: key.notAfterMs };
}

function isValid(key: MeshKey, nowMs: number): boolean {
  return key.notAfterMs === null || nowMs <= key.notAfterMs;
}
