export {
  type ClusterMonitor,
  createClusterMonitor,
  type DroppedCounts,
  type MemberSighting,
  type NodeRecord,
  type ReportOutcome,
  unseenNode,
} from "./cluster-monitor.ts";
