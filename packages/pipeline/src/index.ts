export { createGate, type Gate, type GateInput, type GateView } from "./gate.ts";
export { parseStages } from "./stage-file.ts";
export { loadStages, saveStages } from "./stage-store.ts";
export {
  createStages,
  defaultStages,
  type PipelineMemory,
  parseTrainerReport,
  type StageDefinition,
  type StageMemory,
  type Stages,
  type TrainerReport,
  trainerReportSchema,
} from "./stages.ts";
