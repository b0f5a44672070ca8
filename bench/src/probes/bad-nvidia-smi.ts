import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProgram, waitFor } from "@ringrift/e2e/program";
import { type Figure, quantile } from "../figure.ts";
import { healthLatencies } from "./health-latency.ts";

const port = 18_793;
const settleMs = 3_000;
const windowMs = 10_000;

/** What nvidia-smi does, by the name of the figure; asked once a second, ten times as often as usual. */
const behaviours = {
  without: null,
  beside_good: "ok",
  beside_hung: "hang",
  beside_garbage_of: "garbage",
  beside_flood_of: "flood",
} as const;

/** How long /health takes, 99th percentile, without an nvidia-smi and beside good and bad ones. */
export async function healthBesideBadSmi(folder: string): Promise<Figure[]> {
  console.error("  /health beside an nvidia-smi that hangs, prints garbage or 100 MB");
  const figures: Figure[] = [];
  for (const [name, mode] of Object.entries(behaviours)) {
    const agent = startProgram("node-agent", ["--port", String(port)], {
      RINGRIFT_LOG_LEVEL: "warn",
      RINGRIFT_DATA_DIR: join(folder, name),
      RINGRIFT_HEALTH_CHECK_INTERVAL: "1",
      RINGRIFT_HEALTH_CHECK_TIMEOUT: "1",
      ...(mode === null ? {} : standIn(mode)),
    });
    await waitFor("/health", async () => ((await fetch(`http://127.0.0.1:${port}/health`)).ok ? true : null));
    await healthLatencies(port, settleMs);
    const latencies = await healthLatencies(port, windowMs);
    await agent.kill("SIGTERM");
    figures.push({
      name: `health_p99_${name}_nvidia_smi_ms`,
      unit: "ms",
      value: quantile(latencies, 0.99),
      note: `${latencies.length} questions, longest ${Math.max(...latencies).toFixed(1)} ms`,
    });
  }
  return figures;
}

function standIn(mode: string): Record<string, string> {
  return {
    RINGRIFT_NVIDIA_SMI: fileURLToPath(
      new URL("../../../packages/probes/fixtures/nvidia-smi-replayer.mjs", import.meta.url),
    ),
    NVIDIA_SMI_REPLAY_MODE: mode,
  };
}
