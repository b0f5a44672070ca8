import { readFileSync } from "node:fs";

/** Calls `stop` once the command that started this program is gone: npx passes no signal on. */
export function onLauncherGone(stop: () => void): void {
  const launchedBy = launchers();
  const watch = setInterval(() => {
    if (!launchedBy.some(isGone)) return;
    clearInterval(watch);
    stop();
  }, 500);
  watch.unref();
}

/** The processes between us and the `npx` or `pnpm` that was typed: whoever ends that one with a signal means all of us. */
function launchers(): number[] {
  const chain: { readonly pid: number; readonly isLauncher: boolean }[] = [];
  try {
    for (let pid = process.ppid; pid > 1; ) {
      const isLauncher = /\b(npm|npx|pnpm)\b/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
      chain.push({ pid, isLauncher });
      pid = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    }
  } catch {
    // No procfs, or a process of somebody else: then only signals stop us.
  }
  const top = chain.findLastIndex((process) => process.isLauncher);
  return chain.slice(0, top + 1).map((process) => process.pid);
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
