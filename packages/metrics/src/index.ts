export { contentTypeOf, type ExpositionFormat, writeExposition } from "./exposition.ts";
export { ExpositionCache } from "./exposition-cache.ts";
export { droppedHelp, type NodeReadings, ReadingsExporter, type ReadingsOptions } from "./from-readings.ts";
export { familiesFromRegistry, RegistryReader } from "./from-registry.ts";
export {
  type MetricFamily,
  type MetricSample,
  type MetricType,
  singleValue,
} from "./metric-family.ts";
export { expose, negotiate } from "./negotiate.ts";
export { ProcessMetrics } from "./process-metrics.ts";
export { stateSet } from "./state-set.ts";
