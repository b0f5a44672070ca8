import { createProgramRunner } from "../program-run.ts";

const askEverySeconds = 900;
const timeoutMs = 3000;

/**
 * The kernel's own word on whether its clock is kept, by way of timedatectl: it starts a program, so it is asked where no time
 * service is known, as with PTP or a hypervisor's tools, and every 15 minutes at most.
 */
export function createKernelClock(
  nowSeconds: () => number,
  program = "timedatectl",
): (signal: AbortSignal) => Promise<{ readonly synchronized: boolean; readonly at: number } | null> {
  const call = createProgramRunner({ program, timeoutMs, nowSeconds, maxOutputBytes: 4096 });
  let last: { readonly synchronized: boolean; readonly at: number } | null = null;
  let askedAt = Number.NEGATIVE_INFINITY;
  return async (signal) => {
    if (nowSeconds() - askedAt < askEverySeconds) return last;
    askedAt = nowSeconds();
    const run = await call(["show", "--property=NTPSynchronized"], signal);
    const word = run.kind === "exited" && run.code === 0 ? parseSynchronized(run.stdout) : null;
    last = word === null ? null : { synchronized: word, at: nowSeconds() };
    return last;
  };
}

/** Null for what is neither yes nor no. */
function parseSynchronized(text: string): boolean | null {
  const word = /^NTPSynchronized=(yes|no)$/m.exec(text)?.[1];
  return word === undefined ? null : word === "yes";
}
