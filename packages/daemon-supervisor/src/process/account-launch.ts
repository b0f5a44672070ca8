import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import type { Account } from "../definition/definition.ts";

/** Program and arguments for `spawn`, and the account that `spawn` itself is to change to. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly account: { readonly uid: number; readonly gid: number } | null;
}

/**
 * How `command` is started as `user`. Node drops an account's further groups, so setpriv(1) sets them and becomes the program:
 * the pid stays. What the kernel would answer a start with is then found out before it.
 * @throws Error with code ENOENT or EACCES
 */
export function launchOf(
  command: readonly string[],
  user: Account | null,
  { cwd, path }: { readonly cwd: string | null; readonly path: string | undefined },
): Launch {
  const [program = "", ...args] = command;
  if (user === null || user.groups.length === 0) return { program, args, account: user };
  const file = findProgram(program, { cwd, path });
  const groups = [user.gid, ...user.groups].join(",");
  return {
    program: findProgram("setpriv"),
    args: [`--reuid=${user.uid}`, `--regid=${user.gid}`, `--groups=${groups}`, "--", file, ...args],
    account: null,
  };
}

/** The file that execvp(3) would run. @throws Error with code ENOENT or EACCES */
export function findProgram(
  name: string,
  {
    cwd = null,
    path = process.env.PATH,
  }: { readonly cwd?: string | null; readonly path?: string | undefined } = {},
): string {
  const folders = name.includes("/") ? [""] : (path ?? "/usr/bin:/bin").split(delimiter);
  let code = "ENOENT";
  for (const folder of folders) {
    const file = isAbsolute(name) ? name : resolve(cwd ?? "", join(folder, name));
    try {
      if (!statSync(file).isFile()) throw Object.assign(new Error(), { code: "EACCES" });
      accessSync(file, constants.X_OK);
      return file;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EACCES") code = "EACCES";
    }
  }
  throw Object.assign(new Error(`${name}: ${code}`), { code });
}
