import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { resolve } from "node:path";
import { errorText } from "@ringrift/protocol";
import type { Account } from "./definition.ts";
import { parseEnvFile } from "./env-file.ts";

/** What definitions need to know of the host they are for. A text is the reason why something cannot be had. */
export interface DefinitionHost {
  account(name: string): Account | string;
  envFile(path: string): Readonly<Record<string, string>> | string;
  readonly memoryBytes: number;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** This host; relative paths of env files start from `folder`. */
export function thisHost(folder: string = process.cwd()): DefinitionHost {
  return {
    account: (name) => {
      const found = findAccount(readFileSync("/etc/passwd", "utf8"), name);
      if (found === null) return `there is no account "${name}" on this host`;
      const own = process.getuid?.() ?? 0;
      if (own === 0 || own === found.uid) return found;
      return `only root can run a daemon as another account; this process runs as uid ${own}`;
    },
    envFile: (path) => readEnvFile(resolve(folder, path)),
    memoryBytes: totalmem(),
    nowMs: Date.now(),
  };
}

/** The line of a passwd file for a name or a numeric uid. */
function findAccount(passwd: string, wanted: string): Account | null {
  for (const line of passwd.split("\n")) {
    const [name = "", , uid, gid, , home = "/"] = line.split(":");
    if (name !== "" && (name === wanted || uid === wanted))
      return { name, uid: Number(uid), gid: Number(gid), home };
  }
  return null;
}

function readEnvFile(path: string): Readonly<Record<string, string>> | string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return `cannot be read: ${errorText(error)}`;
  }
  const { variables, problems } = parseEnvFile(text);
  const [first] = problems;
  return first === undefined ? variables : `${path}:${first.line} ${first.reason}`;
}
