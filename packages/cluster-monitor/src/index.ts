export {
  type ClusterMonitor,
  createClusterMonitor,
  type MemberSighting,
  type NodeRecord,
  type ReportOutcome,
} from "./cluster-monitor.ts";
