export { createGate, type Gate, type GateInput, type GateView } from "./gate.ts";
export { loadStages, saveStages } from "./stage-store.ts";
export {
  createStages,
  defaultStages,
  type PipelineMemory,
  type StageDefinition,
  type StageMemory,
  type Stages,
  type TrainerReport,
  trainerReportSchema,
} from "./stages.ts";
