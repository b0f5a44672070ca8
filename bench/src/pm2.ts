import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { SupervisedPrograms, Supervisor } from "./supervised-programs.ts";

/** Where `scripts/install-programs.sh --peers` puts it: it is no dependency of ours. */
const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "ringrift-peers", "pm2");
const patienceMs = 60_000;

/** Null when it is not installed. */
export function pm2Version(): string | null {
  try {
    const text = readFileSync(join(folder, "node_modules/pm2/package.json"), "utf8");
    return (JSON.parse(text) as { readonly version: string }).version;
  } catch {
    return null;
  }
}

/** With its defaults, and a home of its own, so that it meets no other of this user's. */
export async function pm2(place: string, programs: SupervisedPrograms): Promise<Supervisor> {
  const home = join(place, "pm2");
  const env = { ...process.env, PM2_HOME: home, CI: "1" };
  const ask = (...args: readonly string[]): Promise<void> =>
    new Promise((resolve) => {
      const command = join(folder, "node_modules/.bin/pm2");
      execFile(command, args, { env, timeout: patienceMs }, () => resolve());
    });
  await ask("ping");
  return {
    name: "pm2",
    version: pm2Version() ?? "unknown",
    start: (program) => ask("start", programs.path(program), "--name", program, "--interpreter", "none"),
    startAll: async () => {
      const apps = programs.names.map((name) => ({ name, script: programs.path(name), interpreter: "none" }));
      const file = join(place, "all.config.json");
      writeFileSync(file, JSON.stringify({ apps }));
      await ask("start", file);
    },
    stop: (program) => ask("stop", program),
    ownPids: () => [Number(readFileSync(join(home, "pm2.pid"), "utf8"))],
    close: () => ask("kill"),
  };
}
