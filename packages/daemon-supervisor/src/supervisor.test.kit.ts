import { fork } from "node:child_process";
import { once } from "node:events";
import { flushCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DaemonHealth } from "@ringrift/protocol";
import { readDefinitions } from "./definition/definition-reader.ts";
import { createDaemonManager } from "./manager.ts";

/** A supervisor in a process of its own, which a test may kill. */
export interface OtherSupervisor {
  readonly pid: number;
  daemons(): Promise<DaemonHealth[]>;
  /** Asks it to stop a daemon, and does not wait for the answer. */
  stop(daemon: string): void;
  /** SIGKILL: it has no time to put anything in order. */
  kill(): Promise<void>;
}

export async function otherSupervisor(
  stateDir: string,
  daemons: readonly Readonly<Record<string, unknown>>[],
): Promise<OtherSupervisor> {
  const child = fork(fileURLToPath(import.meta.url), [stateDir, JSON.stringify(daemons)], {
    stdio: "inherit",
    // Half of such a supervisor's start is the compiling of its modules, which Node can keep.
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") },
  });
  const failed = once(child, "exit").then(() => {
    throw new Error("the supervisor did not start");
  });
  await Promise.race([once(child, "message"), failed]);
  failed.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    daemons: async () => {
      child.send("daemons");
      const [answer]: unknown[] = await once(child, "message");
      return answer as DaemonHealth[];
    },
    stop: (daemon) => void child.send({ stop: daemon }),
    kill: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

const [, program, stateDir = "", daemons = "[]"] = process.argv;
if (program === fileURLToPath(import.meta.url)) {
  const manager = createDaemonManager({
    definitions: readDefinitions({ daemons: JSON.parse(daemons) }).definitions,
    nodeId: "n1",
    onEvent: () => undefined,
    log: () => undefined,
    stateDir,
  });
  process.on("message", (asked: "daemons" | { readonly stop: string }) => {
    if (asked === "daemons") process.send?.(manager.daemons());
    else void manager.stopDaemon(asked.stop);
  });
  await manager.start();
  // It will be killed, and never come to write it at its end.
  flushCompileCache();
  process.send?.("started");
}
