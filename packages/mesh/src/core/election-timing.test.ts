import { expect, test } from "vitest";
import { defaultElectionTiming, ElectionTimingError, validateTiming } from "./election-timing.ts";

test("the default profile satisfies its own relations", () => {
  expect(validateTiming(defaultElectionTiming)).toBe(defaultElectionTiming);
});

test.each([
  [{ heartbeatMs: 0 }, "every time finite and heartbeatMs > 0"],
  [{ electionTimeoutMaxMs: Number.NaN }, "every time finite and heartbeatMs > 0"],
  [{ heartbeatMs: 401 }, "heartbeatMs * 2 <= leaseMs"],
  [{ leaseMs: 801 }, "leaseMs * 1.25 <= electionTimeoutMinMs"],
  [{ electionTimeoutMaxMs: 1_000 }, "electionTimeoutMinMs < electionTimeoutMaxMs"],
])("%j violates: %s", (change, relation) => {
  const check = (): unknown => validateTiming({ ...defaultElectionTiming, ...change });
  expect(check).toThrow(ElectionTimingError);
  expect(check).toThrow(expect.objectContaining({ relation, code: "ELECTION_TIMING" }));
});
