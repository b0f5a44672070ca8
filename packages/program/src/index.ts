export type { Logger } from "pino";
export { exitCodes } from "./exit-codes.ts";
export { nodeVersionProblem, requireNode } from "./node-version.ts";
export {
  type ProgramContext,
  type ProgramDefinition,
  type Running,
  runProgram,
  type ServiceId,
} from "./run-program.ts";
