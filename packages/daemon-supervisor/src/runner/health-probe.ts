import { connect } from "node:net";
import { errorText } from "@ringrift/protocol";
import { type Exit, exitText, type Run } from "../core/run.ts";
import type { DaemonDefinition, Probe } from "../definition/definition.ts";
import { DaemonLog } from "../log/daemon-log.ts";
import { childEnvironment } from "../process/child-environment.ts";
import type { ContainmentOptions } from "../process/containment.ts";
import { DaemonProcess } from "../process/process.ts";
import type { InProcessService } from "./in-process-service.ts";

export interface ProbeOutcome {
  readonly ok: boolean;
  readonly reason: string;
  /** An exec check that could not be killed. */
  readonly stuck?: Run;
}

/** The daemon that is asked after, and how its exec checks are held. */
export interface ProbeSurroundings {
  readonly daemon: Pick<DaemonDefinition, "cwd" | "env" | "user" | "service">;
  /** What daemons inherit. */
  readonly env: NodeJS.ProcessEnv;
  readonly containment: ContainmentOptions;
}

/** Only the last words of a check are told. */
const checkOutput = { lineBytes: 4096, ringLines: 20, maxBytes: 0, files: 0 };

/**
 * Asks once; never throws and never takes longer than the check's time-out and the killing of an exec check.
 * `signal` gives it up early; it must be of this check alone.
 */
export async function probeHealth(
  check: Probe,
  surroundings: ProbeSurroundings,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  try {
    const { target, timeoutMs } = check;
    if (target.kind === "http") return await probeHttp(target.url, timeoutMs, signal);
    if (target.kind === "tcp") return await probeTcp(target.host, target.port, timeoutMs, signal);
    if (target.kind === "service") return await probeService(surroundings.daemon.service, timeoutMs, signal);
    return await probeExec(target.argv, timeoutMs, surroundings, signal);
  } catch (error) {
    return { ok: false, reason: `check error: ${errorText(error)}` };
  }
}

async function probeHttp(url: string, timeoutMs: number, signal: AbortSignal): Promise<ProbeOutcome> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]),
      redirect: "manual",
      headers: { connection: "close" },
    });
    await response.body?.cancel();
    return { ok: response.ok, reason: `${url} answered ${response.status}` };
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError") {
      return { ok: false, reason: `${url} gave no answer in ${timeoutMs / 1000} s` };
    }
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return { ok: false, reason: `${url}: ${errorText(cause)}` };
  }
}

function probeTcp(host: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const answer = (ok: boolean, reason: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ ok, reason: `${host}:${port} ${reason}` });
    };
    const timer = setTimeout(() => answer(false, `gave no answer in ${timeoutMs / 1000} s`), timeoutMs);
    signal.addEventListener("abort", () => answer(false, "was not waited for"), { once: true });
    socket.once("connect", () => answer(true, "accepts connections"));
    socket.on("error", (error) => answer(false, errorText(error)));
  });
}

/** A service says it itself; what it says after the time-out is not heard. */
function probeService(
  service: InProcessService | null,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => resolve({ ok: false, reason: `gave no answer in ${timeoutMs / 1000} s` }),
      timeoutMs,
    );
    const settle = (outcome: ProbeOutcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    signal.addEventListener("abort", () => settle({ ok: false, reason: "was not waited for" }), {
      once: true,
    });
    Promise.resolve(service?.healthCheck?.()).then(
      (answer) => {
        if (typeof answer === "object")
          settle({ ok: answer.status !== "unhealthy", reason: answer.message || answer.status });
        else
          settle({
            ok: answer === true,
            reason: answer === true ? "says it is well" : "says it is not well",
          });
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/** Exit code 0 is healthy. Everything that the check started is killed when it ends, at its time-out at the latest. */
function probeExec(
  argv: readonly string[],
  timeoutMs: number,
  { daemon, env, containment }: ProbeSurroundings,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const log = new DaemonLog(checkOutput, Date.now, null);
    let answered = false;
    const listener = {
      spawned: () => undefined,
      exited: (exit: Exit) => answer(exitText(exit), exit.kind === "code" && exit.code === 0),
      notStarted: (reason: string) => answer(reason),
      notified: () => undefined,
    };
    const surroundings = {
      env: childEnvironment(env, { env: daemon.env, user: daemon.user }),
      log,
      containment,
      files: null,
    };
    const run = new DaemonProcess({ ...daemon, command: argv, notifyFd: null }, surroundings, listener);
    const timer = setTimeout(() => answer(`took longer than ${timeoutMs / 1000} s`), timeoutMs);
    signal.addEventListener("abort", () => answer("was not waited for"), { once: true });
    function answer(how: string, ok = false): void {
      // What is ended for being late also exits.
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      const words = log.lastWords();
      const reason = `check ${argv[0]} ${how}${words === "" ? "" : `: ${words}`}`;
      void run.end("SIGKILL", 0).then(
        (left) => {
          const isGone = left.length === 0;
          resolve({ ok: ok && isGone, reason, ...(isGone ? {} : { stuck: run }) });
        },
        () => resolve({ ok: false, reason }),
      );
    }
  });
}
