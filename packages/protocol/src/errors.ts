/** Fields that every error of ours carries beside its message. */
export interface ErrorFacts {
  /** Stable, machine-readable, e.g. `CONFIG_BAD_VALUE`. */
  readonly code: string;
  /** What a person can do next, one sentence. */
  readonly nextStep?: string;
  readonly cause?: unknown;
}

/**
 * Base of all typed errors: the message says what failed and where, `code` is for programs and `nextStep` for people.
 *
 * @example
 * throw new RingRiftError("Port 8790 on 127.0.0.1 is in use.", { code: "PORT_IN_USE", nextStep: "Choose another with --port." });
 */
export class RingRiftError extends Error {
  readonly code: string;
  readonly nextStep: string | undefined;

  constructor(message: string, facts: ErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.code = facts.code;
    this.nextStep = facts.nextStep;
  }
}

/** The text of anything thrown, for a log line or a check's reason; at most 500 characters. */
export function errorText(thrown: unknown): string {
  const text = textOf(thrown instanceof Error ? thrown.message : thrown);
  return text.length > 500 ? `${text.slice(0, 499)}…` : text;
}

/** Objects can be thrown that break their own conversion to text. */
function textOf(said: unknown): string {
  try {
    return String(said);
  } catch {
    return `${typeof said} without a text`;
  }
}
