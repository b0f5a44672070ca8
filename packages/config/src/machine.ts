import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { homedir, hostname } from "node:os";

/** What the configuration needs to know of the machine; tests pass their own. */
export interface Machine {
  readonly hostName: string;
  readonly homeDirectory: string;
  readonly isRoot: boolean;
  /** The text of a UTF-8 file. @throws what the system says when it cannot be read. */
  readFile(path: string): string;
  /** Permission bits (`0o600`) of a readable regular file. @throws when it is none. */
  fileMode(path: string): number;
}

const largestFileBytes = 1024 * 1024;

/** The machine this process runs on. */
export function thisMachine(): Machine {
  return {
    hostName: hostname(),
    homeDirectory: homedir(),
    isRoot: process.getuid?.() === 0,
    readFile: (path) => {
      if (statSync(path).size > largestFileBytes) throw new Error("is larger than 1 MiB");
      return readFileSync(path, "utf8");
    },
    fileMode: (path) => {
      const stat = statSync(path);
      if (stat.isDirectory()) throw new Error("is a directory");
      accessSync(path, constants.R_OK);
      return stat.mode & 0o777;
    },
  };
}
