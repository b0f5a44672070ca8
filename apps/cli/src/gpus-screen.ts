import type { GpuList } from "@ringrift/protocol";
import { age, stateWord, table, tint } from "./table.ts";

const gibibyte = 1024 ** 3;

/** The screen of `ringrift gpus`. */
export function gpusScreen({ gpus, unknownNodes, timestamp }: GpuList): string {
  const lines = [
    gpus.length === 0
      ? "No GPU is known."
      : table(
          ["NODE", "GPU", "BUS", "NAME", "STATE", "USE", "MEMORY", "TEMP", "POWER", "SEEN", "WHY"],
          gpus.map((gpu) => [
            gpu.node,
            gpu.index === null ? "lost" : String(gpu.index),
            gpu.busId,
            gpu.name,
            stateWord(gpu.state),
            known(gpu.utilizationRatio, (ratio) => `${Math.round(ratio * 100)}%`),
            `${known(gpu.memoryUsedBytes, gibibytes)}/${known(gpu.memoryTotalBytes, gibibytes)} GiB`,
            known(gpu.temperatureCelsius, (celsius) => `${Math.round(celsius)} °C`),
            known(gpu.powerWatts, (watts) => `${Math.round(watts)} W`),
            age(gpu.ageSeconds),
            gpu.reason,
          ]),
        ),
  ];
  const errors = gpus.flatMap((gpu) =>
    gpu.lastError === null ? [] : [{ node: gpu.node, ...gpu.lastError }],
  );
  if (errors.length > 0)
    lines.push(
      "",
      "Errors in the kernel log",
      ...errors.map(
        ({ node, reason, action, at }) =>
          `  ${tint(node, "warn")}  ${reason} (${age(Math.max(0, timestamp - at))})\n    ${action}`,
      ),
    );
  if (unknownNodes.length > 0)
    lines.push("", `${tint("not known", "warn")}  the GPUs of ${unknownNodes.join(", ")}`);
  return lines.join("\n");
}

function known(value: number | null, show: (value: number) => string): string {
  return value === null ? "?" : show(value);
}

function gibibytes(bytes: number): string {
  return (bytes / gibibyte).toFixed(1);
}
