export { type AgreedView, neverAgreed } from "./agreed.ts";
export { checkTrust, type RefusalReason } from "./auth.ts";
export type { ElectionTiming } from "./core/election-timing.ts";
export {
  compareEpochs,
  type ElectorKind,
  type Epoch,
  formatEpoch,
  generationAtLeast,
  parseEpoch,
} from "./core/epoch.ts";
export type { Quorum } from "./core/quorum.ts";
export { createMesh } from "./create-mesh.ts";
export { credentialsReport, judgeCredentials } from "./credentials.ts";
export type { Elector, ElectorView } from "./elector.ts";
export { type Generation, openGeneration } from "./generation.ts";
export { agentKey, type Keyring, loadKeyring, type MeshKey, parseKeyring } from "./keyring.ts";
export { type KnockAnswer, type KnockOptions, knock } from "./knock.ts";
export type {
  LeadershipView,
  LinkView,
  MemberView,
  Mesh,
  MeshEvent,
  MeshLog,
  MeshOptions,
  MeshProof,
  MeshQuorum,
  MeshStatus,
  RefusedPeer,
} from "./mesh.ts";
export { MeshError } from "./mesh-error.ts";
export type { MeshTls, MeshTlsFiles } from "./mesh-tls.ts";
export { findSelf, isLoopbackAddress, parseServers, type SelfFacts, type ServerAddress } from "./servers.ts";
export { steadyTime } from "./steady-time.ts";
export { loadTrust, proofOf, type Trust } from "./trust.ts";
