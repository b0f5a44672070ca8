// Keep this file free of imports and of syntax newer than ES2015: an old Node must get far enough to say what is wrong.

/**
 * Ends the program with one line on stderr when Node is older than `major`.
 * Call it before importing anything else: `requireNode(22); await import("./program.js")`.
 */
export function requireNode(major: number): void {
  const message = nodeVersionProblem(process.versions.node, major);
  if (message !== null) {
    process.stderr.write(`${message}\n`);
    process.exit(1);
  }
}

/** What to tell the user of Node `version`, or null when it is new enough. */
export function nodeVersionProblem(version: string, major: number): string | null {
  const found = Number.parseInt(version, 10);
  if (found >= major) return null;
  return `RingRift needs Node ${major} or newer; this is Node ${version}. Install it from https://nodejs.org/.`;
}
