import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { resolve } from "node:path";
import { errorText } from "@ringrift/protocol";
import { findProgram } from "../process/account-launch.ts";
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
      const found =
        findAccount(readFileSync("/etc/passwd", "utf8"), name) ??
        findAccount(asked("getent", ["passwd", name]), name);
      if (found === null) return `there is no account "${name}" on this host`;
      const own = process.getuid?.() ?? 0;
      if (own === found.uid) return found;
      if (own === 0) return withGroups(found);
      return `only root can run a daemon as another account; this process runs as uid ${own}`;
    },
    envFile: (path) => readEnvFile(resolve(folder, path)),
    memoryBytes: totalmem(),
    nowMs: Date.now(),
  };
}

/** What a program of the host answers; nothing when it is missing or has no answer. */
function asked(program: string, args: readonly string[]): string {
  return spawnSync(program, args, { encoding: "utf8", timeout: 10_000 }).stdout ?? "";
}

/** Directory services know groups that no file has, so the host is asked. */
function withGroups(account: Account): Account | string {
  const answer = asked("id", ["-G", account.name]);
  if (answer === "")
    return `the groups of "${account.name}" cannot be read: \`id -G ${account.name}\` gave no answer`;
  const groups = furtherGroups(answer, account.gid);
  if (groups.length === 0) return account;
  try {
    findProgram("setpriv");
  } catch {
    return `"${account.name}" is also in the groups ${groups.join(", ")}, which only the program setpriv can give to a daemon; install util-linux`;
  }
  return { ...account, groups };
}

/** Of the answer of `id -G`: all groups but the account's first. */
export function furtherGroups(answer: string, gid: number): number[] {
  return answer
    .split(/\s+/)
    .filter((text) => /^\d+$/.test(text))
    .map(Number)
    .filter((group) => group !== gid);
}

/** The line of a passwd file for a name or a numeric uid. */
function findAccount(passwd: string, wanted: string): Account | null {
  for (const line of passwd.split("\n")) {
    const [name = "", , uid, gid, , home = "/"] = line.split(":");
    if (name !== "" && (name === wanted || uid === wanted))
      return { name, uid: Number(uid), gid: Number(gid), groups: [], home };
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
