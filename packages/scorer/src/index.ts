export { explainScore, reasonsOf } from "./explain.ts";
export {
  getSystemHealthLevel,
  getSystemHealthScore,
  type SystemHealth,
  UnifiedHealthManager,
  type UnifiedHealthManagerOptions,
} from "./manager.ts";
export { type Cap, levelOf, type SystemInputs, type SystemScore, scoreSystem } from "./score.ts";
