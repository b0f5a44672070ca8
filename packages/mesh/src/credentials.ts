// core: pure
import {
  type CheckReport,
  HealthCheckResult,
  type HealthStatus,
  type StatusProof,
  type ThresholdValues,
  worseStatus,
} from "@ringrift/protocol";

const daySeconds = 86_400;

/** How long what a node proves itself with lasts still; null for a node without key and certificate. */
export function judgeCredentials(
  proof: StatusProof,
  thresholds: ThresholdValues,
  nowSeconds: number,
): HealthCheckResult | null {
  const { kid, keyringExpiresAt, certificateExpiresAt } = proof;
  if (kid === null && certificateExpiresAt === null) return null;
  const ends = [
    ...(certificateExpiresAt === null ? [] : [{ what: "the certificate", at: certificateExpiresAt }]),
    ...(keyringExpiresAt === null ? [] : [{ what: "the last key of the keyring", at: keyringExpiresAt }]),
  ];
  let status: HealthStatus = "healthy";
  const sentences: string[] = [];
  for (const { what, at } of ends) {
    const days = (at - nowSeconds) / daySeconds;
    status = worseStatus(status, statusOf(days, thresholds));
    const when = new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ");
    sentences.push(
      `${what} ${days <= 0 ? "has expired" : `expires in ${days.toFixed(1)} days`}, ${when} UTC`,
    );
  }
  return new HealthCheckResult({
    status,
    message: sentences.join("; ") || "the keyring does not expire",
    details: { ...proof },
    timestamp: nowSeconds,
  });
}

function statusOf(days: number, thresholds: ThresholdValues): HealthStatus {
  if (days <= thresholds.CREDENTIAL_CRITICAL_DAYS) return "unhealthy";
  return days <= thresholds.CREDENTIAL_WARNING_DAYS ? "degraded" : "healthy";
}

/** The same as a check of the node. */
export function credentialsReport(
  proof: StatusProof,
  thresholds: ThresholdValues,
  nowSeconds: number,
): CheckReport {
  const result = judgeCredentials(proof, thresholds, nowSeconds);
  return {
    check: "mesh-credentials",
    state: result?.status ?? "not_applicable",
    reason: result?.message ?? "this node has neither key nor certificate",
    ...(result === null || result.isHealthy
      ? {}
      : { action: "Put the renewed files in place of the old ones and send this program SIGHUP." }),
    details: { ...proof },
    readings: [],
    observedAt: nowSeconds,
    durationSeconds: 0,
  };
}
