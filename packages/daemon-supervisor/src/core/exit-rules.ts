// What an exit means: success or failure, and whether the daemon is started again for it.
import { type Exit, exitText } from "./run.ts";

export const restartModes = ["always", "on-failure", "never"] as const;

/** Exit codes (0-255) and names of signals. */
type ExitSet = readonly (number | string)[];

export interface ExitRules {
  readonly mode: (typeof restartModes)[number];
  /** Exits that are a success; all others are failures. */
  readonly success: ExitSet;
  /** Never restarted for, whatever the mode. */
  readonly prevent: ExitSet;
  /** Always restarted for, whatever the mode. */
  readonly force: ExitSet;
}

export interface ExitMeaning {
  readonly success: boolean;
  readonly restart: boolean;
  /** Which rule decided, for people. */
  readonly why: string;
}

/** `force` and `prevent` share no member: a definition in which they do is refused. */
export function exitMeaning(rules: ExitRules, exit: Exit): ExitMeaning {
  const success = isIn(rules.success, exit);
  const meaning = (restart: boolean, why: string): ExitMeaning => ({ success, restart, why });
  if (isIn(rules.prevent, exit)) return meaning(false, `${exitText(exit)} is in restart.prevent`);
  if (isIn(rules.force, exit)) return meaning(true, `${exitText(exit)} is in restart.force`);
  if (rules.mode === "on-failure" && success) return meaning(false, "ended in success");
  return meaning(rules.mode !== "never", `restart is ${rules.mode}`);
}

// A failed check and an unknown exit code are in no set: they are failures.
function isIn(set: ExitSet, exit: Exit): boolean {
  if (exit.kind === "code") return set.includes(exit.code);
  return exit.kind === "signal" && set.includes(exit.signal);
}
