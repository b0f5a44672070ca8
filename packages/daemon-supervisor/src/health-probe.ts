import { connect } from "node:net";
import { errorText } from "@ringrift/protocol";
import type { DaemonHealthCheck } from "./definition.ts";
import { LogRing } from "./log-ring.ts";
import { DaemonProcess } from "./process.ts";

export interface ProbeOutcome {
  readonly ok: boolean;
  readonly reason: string;
}

export interface ProbeSurroundings {
  readonly cwd: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly baseEnv: NodeJS.ProcessEnv;
}

/** Asks once; never throws and never takes longer than the check's time-out and the killing of an exec check. */
export async function probeHealth(
  check: DaemonHealthCheck,
  surroundings: ProbeSurroundings,
): Promise<ProbeOutcome> {
  try {
    const { target } = check;
    if (target.kind === "http") return await probeHttp(target.url, check.timeoutMs);
    if (target.kind === "tcp") return await probeTcp(target.host, target.port, check.timeoutMs);
    return await probeExec(target.argv, check.timeoutMs, surroundings);
  } catch (error) {
    return { ok: false, reason: `check error: ${errorText(error)}` };
  }
}

async function probeHttp(url: string, timeoutMs: number): Promise<ProbeOutcome> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(timeoutMs),
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

function probeTcp(host: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const answer = (ok: boolean, reason: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ ok, reason: `${host}:${port} ${reason}` });
    };
    const timer = setTimeout(() => answer(false, `gave no answer in ${timeoutMs / 1000} s`), timeoutMs);
    socket.once("connect", () => answer(true, "accepts connections"));
    socket.on("error", (error) => answer(false, errorText(error)));
  });
}

/** Exit code 0 is healthy; the whole group of the check is killed at its time-out. */
function probeExec(
  argv: readonly string[],
  timeoutMs: number,
  { cwd, env, baseEnv }: ProbeSurroundings,
): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const logs = new LogRing();
    let timedOut = false;
    const run = new DaemonProcess({ command: argv, cwd, env }, baseEnv, logs, {
      spawned: () => undefined,
      exited: (how) => answer(how),
      notStarted: (reason) => answer(reason),
    });
    const timer = setTimeout(() => {
      timedOut = true;
      answer(`took longer than ${timeoutMs / 1000} s`);
    }, timeoutMs);
    function answer(how: string): void {
      clearTimeout(timer);
      const words = logs.lastWords();
      const reason = `${argv[0]} ${how}${words === "" ? "" : `: ${words}`}`;
      const ok = !timedOut && how === "exited with code 0";
      void run.end("SIGKILL", 0).then(
        () => resolve({ ok, reason }),
        () => resolve({ ok: false, reason }),
      );
    }
  });
}
