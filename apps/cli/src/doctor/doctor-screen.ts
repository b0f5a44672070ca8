import { whatToDo } from "../checks.ts";
import { stateWord, table, tint } from "../table.ts";
import type { Diagnosis } from "./doctor.ts";
import type { FindingState } from "./finding.ts";

const worstFirst: readonly FindingState[] = ["failed", "unknown", "warning", "ok"];

/** Every finding on a line, what to do about the bad ones, and their count. */
export function doctorScreen({ host, user, findings }: Diagnosis): string {
  const facts = [
    ["host", host],
    ["user", `${user}: run it as the agent's user, with the agent's environment`],
  ];
  const counts = worstFirst
    .map((state) => [findings.filter((one) => one.state === state).length, state] as const)
    .filter(([count]) => count > 0);
  const blocks = [
    facts.map(([name = "", text = ""]) => `${tint(name.padEnd(6), "dim")}${text}`).join("\n"),
    table(
      ["CHECK", "STATE", "FOUND"],
      findings.map(({ check, state, text }) => [check, stateWord(state), text]),
    ),
    whatToDo(findings.map(({ check, nextStep }) => ({ check, action: nextStep }))),
    counts.map(([count, state]) => `${count} ${state}`).join(", "),
  ];
  return blocks.filter((block) => block !== null).join("\n\n");
}
