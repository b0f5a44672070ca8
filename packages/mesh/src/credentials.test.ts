import { HealthThresholds, type StatusProof } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { credentialsReport, judgeCredentials } from "./credentials.ts";

const now = 1_800_000_000;
const inDays = (days: number): number => now + days * 86_400;
const nothing: StatusProof = {
  kid: null,
  keyExpiresAt: null,
  keyringExpiresAt: null,
  certificateExpiresAt: null,
};
const judge = (proof: Partial<StatusProof>): string | undefined =>
  judgeCredentials({ ...nothing, ...proof }, HealthThresholds, now)?.status;

describe("the credentials of a node", () => {
  it.each([
    [400, "healthy"],
    [14.1, "healthy"],
    [14, "degraded"],
    [0.01, "degraded"],
    [0, "unhealthy"],
    [-3, "unhealthy"],
  ])("whose certificate has %d days left are %s", (days, status) => {
    expect(judge({ certificateExpiresAt: inDays(days) })).toBe(status);
  });

  it("are judged by the last key of the keyring, since the next one takes over from the one that signs", () => {
    const soon = { kid: "k1", keyExpiresAt: inDays(1) };
    expect(judge({ ...soon, keyringExpiresAt: null })).toBe("healthy");
    expect(judge({ ...soon, keyringExpiresAt: inDays(300) })).toBe("healthy");
    expect(judge({ ...soon, keyringExpiresAt: inDays(1) })).toBe("degraded");
    expect(judge({ ...soon, keyringExpiresAt: inDays(-1) })).toBe("unhealthy");
  });

  it("are as bad as the worse of certificate and keyring, and both are named", () => {
    const proof = { ...nothing, kid: "k1", keyringExpiresAt: inDays(-1), certificateExpiresAt: inDays(9) };
    const result = judgeCredentials(proof, HealthThresholds, now);
    expect(result?.status).toBe("unhealthy");
    expect(result?.message).toMatch(
      /^the certificate expires in 9.0 days, .*; the last key of the keyring has expired/,
    );
  });

  it("are none where there is neither key nor certificate, and say what to do where they end soon", () => {
    expect(judge({})).toBeUndefined();
    expect(credentialsReport(nothing, HealthThresholds, now).state).toBe("not_applicable");
    const ending = credentialsReport({ ...nothing, certificateExpiresAt: inDays(1) }, HealthThresholds, now);
    expect(ending).toMatchObject({ state: "degraded", action: expect.stringContaining("SIGHUP") });
  });
});
