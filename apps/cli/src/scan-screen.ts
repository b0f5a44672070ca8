import type { CheckReport } from "@ringrift/protocol";
import { signalOrder, whatToDo } from "./checks.ts";
import type { MachineFacts } from "./machine-facts.ts";
import { scanExitCode } from "./plugin-check.ts";
import { stateWord, table, tint } from "./table.ts";

/** What `ringrift scan` found on this host, the worst first. */
export interface Scan {
  readonly host: string;
  readonly machine: MachineFacts;
  readonly checks: readonly CheckReport[];
}

/** The whole screen: first the line that monitoring systems read, then what people do. */
export function scanScreen({ host, machine, checks }: Scan): string {
  const blocks = [
    scanSummary(checks),
    [["host", host], ...machineLines(machine)]
      .map(([name = "", text = ""]) => `${tint(name.padEnd(8), "dim")}${text}`)
      .join("\n"),
    table(
      ["CHECK", "STATE", "TOOK", "WHY"],
      checks.map((check) => [
        check.check,
        stateWord(check.state),
        `${Math.round(check.durationSeconds * 1000)} ms`,
        check.reason,
      ]),
    ),
  ];
  const advice = whatToDo(checks);
  if (advice !== null) blocks.push(advice);
  return blocks.join("\n\n");
}

function machineLines(machine: MachineFacts): string[][] {
  const { vendor, model, os, kernel, architecture, cpuModel, cpuSockets, cpuCores, memoryBytes } = machine;
  const { gpus, gpuDriver } = machine;
  const cards = gpus?.map(({ name, count }) => `${count} x ${name}`).join(", ");
  const driver = gpuDriver === undefined ? undefined : `driver ${gpuDriver}`;
  const lines: readonly (readonly [string, readonly (string | undefined)[], string])[] = [
    ["machine", [vendor, model], " "],
    ["system", [os, kernel === undefined ? undefined : `kernel ${kernel}`, architecture], ", "],
    [
      "cpu",
      [
        (cpuSockets ?? 1) > 1 ? `${cpuSockets} x ${cpuModel ?? "?"}` : cpuModel,
        cpuCores === undefined ? undefined : `${cpuCores} cores`,
      ],
      ", ",
    ],
    ["memory", [memoryBytes === undefined ? undefined : `${(memoryBytes / 1024 ** 3).toFixed(1)} GiB`], ""],
    ["gpus", [gpus === undefined ? "not known" : cards === "" ? "none" : cards, driver], ", "],
  ];
  return lines.flatMap(([name, parts, joint]) => {
    const known = parts.filter((part) => part !== undefined);
    return known.length === 0 ? [] : [[name, known.join(joint)]];
  });
}

/** One line with performance data, as the monitoring plugins' convention has it. */
function scanSummary(checks: readonly CheckReport[]): string {
  const word = (["OK", "WARNING", "CRITICAL", "UNKNOWN"] as const)[
    scanExitCode(checks.map(({ state }) => state))
  ];
  const counts = signalOrder.map(
    (state) => [state, checks.filter((check) => check.state === state).length] as const,
  );
  const text = counts
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state.replace("_", " ")}`)
    .join(", ");
  const perfdata = counts.map(([state, count]) => `${state}=${count}`).join(" ");
  return `SCAN ${word} - ${checks.length} checks: ${text || "none"} | ${perfdata}`;
}
