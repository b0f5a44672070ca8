import { existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { NodeAgentConfig } from "@ringrift/config";
import { checkCustomChecks } from "@ringrift/probes";
import { errorText } from "@ringrift/protocol";
import { type Finding, failure, finding } from "./finding.ts";

const check = "data directory";
/** More than an agent keeps. */
const trialBytes = 64 * 1024;

/** Whether the agent could keep what must outlive a restart, by trying; what was tried is taken away again. */
export function checkDataDir(dataDir: string): Finding {
  const directory = resolve(dataDir);
  try {
    if (!existsSync(directory)) {
      const parent = nearestParent(directory);
      // Only by making one does the kernel say whether one can be made.
      rmdirSync(mkdtempSync(join(parent, ".ringrift-doctor-")));
      return finding(check, "ok", `${directory} will be made in ${parent}`);
    }
    const trial = join(directory, `.ringrift-doctor-${process.pid}`);
    try {
      writeFileSync(trial, Buffer.alloc(trialBytes), { flag: "wx", flush: true });
    } finally {
      rmSync(trial, { force: true });
    }
    return finding(check, "ok", `${directory} can be written`);
  } catch (error) {
    return finding(
      check,
      "failed",
      `${directory} cannot be written by this user: ${errorText(error)}`,
      "Make it and give it to the agent's user, free space on its file system, or set RINGRIFT_DATA_DIR.",
    );
  }
}

function nearestParent(directory: string): string {
  let parent = dirname(directory);
  while (!existsSync(parent)) parent = dirname(parent);
  return parent;
}

/** The files that an agent reads at its start, where they are given. */
export function checkFiles({ apiTokenFile, checksFile, checksDir }: NodeAgentConfig): Finding[] {
  const findings: Finding[] = [];
  if (apiTokenFile !== null && readFileSync(apiTokenFile, "utf8").trim() === "")
    findings.push(
      finding(
        "API token",
        "failed",
        `${apiTokenFile} is empty, so every changing call would be refused`,
        `Make one with: openssl rand -hex 32 > ${apiTokenFile}`,
      ),
    );
  if (checksFile === null && checksDir === null) return findings;
  try {
    checkCustomChecks({ checksFile, checksDir });
    findings.push(finding("own checks", "ok", "their definitions are good"));
  } catch (error) {
    findings.push(failure("own checks", error));
  }
  return findings;
}
