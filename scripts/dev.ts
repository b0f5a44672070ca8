import { spawn } from "node:child_process";
import { once } from "node:events";
import { repositoryRoot } from "./workspace.ts";

// Two watchers side by side: turbo rebuilds what changed, and Node restarts the programs when a build output changes.
const commands: readonly (readonly [string, readonly string[]])[] = [
  ["turbo", ["watch", "build", "--output-logs=errors-only"]],
  [process.execPath, ["--watch", "--watch-path=packages", "--watch-path=apps", "scripts/start.ts"]],
];

const children = commands.map(([command, args]) =>
  spawn(command, args, { cwd: repositoryRoot, stdio: "inherit" }),
);
const stopAll = (): void => {
  for (const child of children) child.kill("SIGTERM");
};
// Ctrl-C reaches the children by the terminal too; this process only outlives them.
process.on("SIGINT", stopAll);
process.on("SIGTERM", stopAll);
await Promise.race(children.map((child) => once(child, "exit")));
stopAll();
