import { z } from "zod";
import { type SignalState, signalStates } from "./check-report.ts";

export const gpuListSchemaName = "ringrift.gpus/1";

/** One card of one node as it was last told; null is not known. */
export interface GpuRow {
  readonly node: string;
  /** nvidia-smi's number; null for a card that is lost. */
  readonly index: number | null;
  readonly uuid: string;
  readonly busId: string;
  readonly name: string;
  readonly state: SignalState;
  readonly reason: string;
  readonly utilizationRatio: number | null;
  readonly memoryUsedBytes: number | null;
  readonly memoryTotalBytes: number | null;
  readonly temperatureCelsius: number | null;
  readonly powerWatts: number | null;
  /** Age of its values. */
  readonly ageSeconds: number | null;
  /** The last error that the kernel log told of it. */
  readonly lastError: { readonly reason: string; readonly action: string; readonly at: number } | null;
}

/** The answer of `GET /v1/gpus`. */
export interface GpuList {
  readonly schema: string;
  readonly gpus: readonly GpuRow[];
  /** Nodes whose GPUs are not known; a node without any is in neither list. */
  readonly unknownNodes: readonly string[];
  /** Seconds since 1970. */
  readonly timestamp: number;
}

const value = z.number().nullable();

export const gpuListSchema: z.ZodType<GpuList> = z.object({
  schema: z.literal(gpuListSchemaName),
  gpus: z.array(
    z.object({
      node: z.string(),
      index: value,
      uuid: z.string(),
      busId: z.string(),
      name: z.string(),
      state: z.enum(signalStates),
      reason: z.string(),
      utilizationRatio: value,
      memoryUsedBytes: value,
      memoryTotalBytes: value,
      temperatureCelsius: value,
      powerWatts: value,
      ageSeconds: value,
      lastError: z.object({ reason: z.string(), action: z.string(), at: z.number() }).nullable(),
    }),
  ),
  unknownNodes: z.array(z.string()),
  timestamp: z.number(),
});
