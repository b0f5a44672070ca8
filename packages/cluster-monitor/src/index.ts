export {
  type ClusterMonitor,
  createClusterMonitor,
  type DroppedCounts,
  type MemberSighting,
  type NodeRecord,
  type ReportOutcome,
} from "./cluster-monitor.ts";
