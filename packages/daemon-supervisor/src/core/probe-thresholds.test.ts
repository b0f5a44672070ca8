import fc from "fast-check";
import { expect, it } from "vitest";
import { ProbeThresholds } from "./probe-thresholds.ts";

const target = { kind: "tcp", host: "x", port: 1 } as const;
const times = { target, intervalMs: 10_000, timeoutMs: 5_000 };

it("restarts a daemon exactly when its latest answers outside the grace are all failures, as many as the limit", () => {
  const answer = fc.record({ ok: fc.boolean(), afterMs: fc.constantFrom(1, 10_000, 20_000, 30_000) });
  const limits = fc.record({
    failures: fc.integer({ min: 1, max: 4 }),
    passes: fc.integer({ min: 1, max: 4 }),
    graceMs: fc.constantFrom(0, 30_000, 60_000),
  });
  fc.assert(
    fc.property(limits, fc.array(answer, { maxLength: 60 }), ({ failures, passes, graceMs }, answers) => {
      const liveness = { ...times, failures, passes, graceMs };
      const probes = new ProbeThresholds({ startup: null, readiness: null, liveness }, 0);
      const seen: { ok: boolean; counts: boolean }[] = [];
      let now = 0;
      for (const { ok, afterMs } of answers) {
        now += afterMs;
        seen.push({ ok, counts: ok || now >= graceMs });
        const verdict = probes.answered(ok, "x", true, now);
        const latest = seen.filter(({ counts }) => counts).slice(-failures);
        const mustEnd = !ok && latest.length === failures && latest.every((one) => !one.ok) && now >= graceMs;
        expect(verdict.kind === "failed").toBe(mustEnd);
        const lastFailure = seen.findLastIndex((one) => !one.ok);
        expect(probes.failing).toBe(lastFailure >= 0 && seen.length - 1 - lastFailure < passes);
        if (mustEnd) return;
      }
    }),
  );
});

it("asks for the start-up probe until it passes, then for readiness, then for liveness", () => {
  const probe = (port: number): typeof times => ({ ...times, target: { ...target, port } }) as never;
  const probes = new ProbeThresholds(
    {
      startup: { ...probe(1), failures: 30 },
      readiness: { kind: "probe", probe: probe(2), withinMs: 60_000 },
      liveness: { ...probe(3), failures: 3, passes: 1, graceMs: 0 },
    },
    0,
  );
  const asked = (isReady: boolean): unknown => probes.next(isReady)?.probe.target;
  expect(asked(false)).toMatchObject({ port: 1 });
  probes.answered(false, "x", false, 1);
  expect(asked(false)).toMatchObject({ port: 1 });
  probes.answered(true, "x", false, 2);
  expect(asked(false)).toMatchObject({ port: 2 });
  probes.answered(true, "x", false, 3);
  expect(asked(true)).toMatchObject({ port: 3 });
});
