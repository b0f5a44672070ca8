// core: pure
// Files of `NAME=value` lines: comments with #, quotes around a value are taken off, nothing is expanded.

export interface EnvFileProblem {
  readonly line: number;
  readonly reason: string;
}

/** Reads the text of an env file; later lines win. */
export function parseEnvFile(text: string): {
  readonly variables: Readonly<Record<string, string>>;
  readonly problems: readonly EnvFileProblem[];
} {
  const variables: Record<string, string> = {};
  const problems: EnvFileProblem[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim().replace(/^export\s+/, "");
    if (line === "" || line.startsWith("#")) continue;
    const parts = /^([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(line);
    // The text itself may be a secret, so it is not repeated.
    if (parts === null) problems.push({ line: index + 1, reason: "is not NAME=value" });
    else if (raw.includes("\0")) problems.push({ line: index + 1, reason: "holds a NUL character" });
    else variables[parts[1] ?? ""] = unquoted(parts[2] ?? "");
  }
  return { variables, problems };
}

function unquoted(value: string): string {
  const quoted = /^(["'])(.*)\1$/.exec(value);
  return quoted?.[2] ?? value;
}
