import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { RingRiftError } from "@ringrift/protocol";

/**
 * Takes the lock of a state directory for as long as this process lives. The kernel lets it go with its last holder, so a
 * supervisor that was killed leaves none behind. Node cannot take a lock itself: flock(1) takes it on our own descriptor, and
 * it stays with the open file. Returns what lets it go.
 * @throws RingRiftError `SUPERVISOR_ALREADY_RUNNING` naming the holder, `STATE_UNUSABLE`
 */
export function takeSupervisorLock(path: string, sinceMs: number): () => void {
  const fd = openSync(path, "a+", 0o600);
  const { error, status } = spawnSync("flock", ["-n", "3"], { stdio: ["ignore", "ignore", "ignore", fd] });
  if (error === undefined && status === 0) {
    ftruncateSync(fd);
    writeSync(fd, `pid ${process.pid}, since ${new Date(sinceMs).toISOString()}\n`);
    return () => closeSync(fd);
  }
  closeSync(fd);
  if (error !== undefined) {
    throw new RingRiftError(`Cannot lock ${path}: ${error.message}`, {
      code: "STATE_UNUSABLE",
      nextStep: "Install the program flock (util-linux).",
    });
  }
  const holder = readFileSync(path, "utf8").trim() || "pid unknown";
  throw new RingRiftError(`Another supervisor runs on ${path}: ${holder}.`, {
    code: "SUPERVISOR_ALREADY_RUNNING",
    nextStep: "Stop that one first, or give this one a state directory of its own.",
  });
}
