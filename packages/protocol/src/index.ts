export {
  type CheckReport,
  checkReportSchema,
  maxReadingsPerCheck,
  maxReasonLength,
  type Reading,
  type SignalState,
  signalStates,
  toHealthCheckResult,
  worstSignal,
} from "./check-report.ts";
export { type ErrorFacts, errorText, RingRiftError } from "./errors.ts";
export {
  checkEventData,
  type EventDataByName,
  type EventName,
  type EventOccurrence,
  eventSchemas,
  type HealthEvent,
  toCloudEvent,
} from "./events.ts";
export { decodeFrame, encodeFrame, isRefused, type RefusedFrame } from "./frame-codec.ts";
export {
  type AgreedCopy,
  type AgreedStamp,
  type ChallengeFrame,
  type ElectionMessage,
  type Frame,
  type FrameType,
  frameVersion,
  type HeartbeatFrame,
  type HelloFrame,
  type MemberFrame,
  maxAgreedLength,
  maxFrameBytes,
  maxFrameDepth,
  maxMembersPerFrame,
  maxProposalLength,
  type ObservationFrame,
  oldestFrameVersion,
  type PeerIdentity,
  type PeerTiming,
  type ProofFrame,
  type ProposedFrame,
  type ProposeFrame,
  type ReportFrame,
  type StatusFrame,
  type VerdictFrame,
  type VerdictMemberFrame,
} from "./frames.ts";
export { type GpuList, type GpuRow, gpuListSchema, gpuListSchemaName } from "./gpu-list.ts";
export {
  type CircuitState,
  circuitStates,
  type DaemonState,
  daemonStates,
  HealthCheckResult,
  type HealthCheckResultData,
  type HealthLevel,
  type HealthStatus,
  healthCheckResultSchema,
  healthLevels,
  healthStatuses,
  type LinkState,
  linkStates,
  type NodeRole,
  type NodeState,
  nodeRoles,
  nodeStates,
  worseStatus,
} from "./health.ts";
export {
  defaultMixinThresholds,
  type HealthCheckable,
  HealthCheckBase,
  type HealthCheckHooks,
  HealthCheckMixin,
  type MixinThresholds,
  type WithHealthCheck,
} from "./mixin.ts";
export { nearestName } from "./nearest-name.ts";
export {
  type CircuitStatus,
  type DaemonHealth,
  type GpuError,
  type GpuStatus,
  gpuErrorSchema,
  type NodeReport,
  type NodeResources,
  nodeReportSchema,
  type StageReport,
} from "./node-report.ts";
export type { ServerClock } from "./server-clock.ts";
export { SlidingWindow } from "./sliding-window.ts";
export {
  type StatusCluster,
  type StatusComponent,
  type StatusDaemon,
  type StatusDocument,
  type StatusNode,
  type StatusStage,
  statusDocumentSchema,
  statusSchemaName,
} from "./status-document.ts";
export {
  maxMeshEntries,
  type StatusLeadership,
  type StatusLink,
  type StatusMassFailure,
  type StatusMember,
  type StatusMesh,
  type StatusProof,
  type StatusRefusal,
  type StatusRetirement,
  statusMemberSchema,
  statusMeshSchema,
} from "./status-mesh.ts";
export {
  HealthThresholds,
  type Threshold,
  type ThresholdName,
  type ThresholdValues,
  thresholds,
} from "./thresholds.ts";
