export { type Breaker, createBreaker } from "./breaker.ts";
export {
  applyProposal,
  maxRetired,
  type Proposal,
  proposalText,
  type Retirement,
  reasonSchema,
  retiredNodes,
} from "./decisions.ts";
export { EventLog, type EventPage } from "./event-log.ts";
export type { NodeHealth } from "./node-health.ts";
export { createNodeStreaks, type NodeStreaks } from "./node-state.ts";
export { HealthCheckOrchestrator, type OrchestratorOptions } from "./orchestrator.ts";
export {
  createSchedule,
  type Schedule,
  type ScheduledCheck,
  type ScheduleOptions,
} from "./schedule.ts";
export type { ClusterHealthSummary } from "./summary.ts";
export type { Timers } from "./timers.ts";
