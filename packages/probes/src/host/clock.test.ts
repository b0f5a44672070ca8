import type { ServerClock } from "@ringrift/protocol";
import { describe, expect, it } from "vitest";
import { type ClockFacts, judgeClock } from "./clock.ts";

const facts: ClockFacts = {
  service: "chronyd",
  synchronized: null,
  answer: null,
  hasSystemd: true,
  clockSource: "tsc",
  stepSeconds: 0.001,
  servers: [],
};
const judge = (fields: Partial<ClockFacts>) => judgeClock({ ...facts, ...fields }, 0.5, 1000);
const server = (offsetSeconds: number, fields: Partial<ServerClock> = {}): ServerClock => ({
  server: "server-1",
  offsetSeconds,
  uncertaintySeconds: 0.002,
  ageSeconds: 30,
  ...fields,
});

describe("the clock", () => {
  it("is healthy with a service that does not answer, which is not the same as synchronized", () => {
    const judged = judge({});
    expect(judged).toMatchObject({ state: "healthy", reason: "chronyd runs, clock source tsc" });
    expect(judged.measures?.[0]).toMatchObject({ value: null, absence: "unknown" });
  });

  it("is as right as its service finds it", () => {
    const answer = { synchronized: true, offsetSeconds: 0.001, errorBoundSeconds: 0.02, at: 990 };
    const judged = judge({ synchronized: true, answer });
    expect(judged).toMatchObject({ state: "healthy", reason: "chronyd keeps the clock, clock source tsc" });
    expect(judged.measures?.slice(0, 3)).toMatchObject([
      { name: "clock_synchronized", value: 1, observedAt: 990 },
      { name: "clock_offset_seconds", value: 0.001, observedAt: 990 },
      { name: "clock_error_bound_seconds", value: 0.02, observedAt: 990 },
    ]);
    expect(judge({ synchronized: true, answer: { ...answer, offsetSeconds: -0.75 } })).toMatchObject({
      state: "degraded",
      reason: "chronyd finds the clock 0.75 s behind its source",
    });
    expect(judge({ synchronized: false })).toMatchObject({
      state: "degraded",
      reason: "chronyd runs and follows no time source",
    });
  });

  it("that was set is degraded", () => {
    expect(judge({ stepSeconds: -2 })).toMatchObject({
      state: "degraded",
      reason: "the clock was set by -2.0 s since the last run",
    });
    expect(judge({ stepSeconds: null }).state).toBe("healthy");
  });

  it("that no known service keeps is what the kernel says of it", () => {
    expect(judge({ service: null, synchronized: true }).state).toBe("healthy");
    expect(judge({ service: null, synchronized: false }).state).toBe("degraded");
    expect(judge({ service: null, synchronized: null })).toMatchObject({ state: "unknown" });
    expect(judge({ service: null, hasSystemd: false }).state).toBe("not_applicable");
  });

  it("is compared with the servers', each within what the message's way leaves open", () => {
    expect(judge({ servers: [server(0.01)] })).toMatchObject({
      state: "healthy",
      reason: "chronyd runs, clock source tsc, 10.0 ms ahead of server-1 (± 2.0 ms)",
    });
    expect(judge({ servers: [server(-0.7)] })).toMatchObject({
      state: "degraded",
      reason: "the clock is 0.70 s behind server-1 (± 2.0 ms)",
    });
    expect(judge({ servers: [server(-0.7, { uncertaintySeconds: 0.3 })] }).state).toBe("healthy");
    expect(judge({ servers: [server(1)] }).measures?.slice(4)).toEqual([
      {
        name: "clock_server_offset_seconds",
        value: 1,
        labels: { server: "server-1" },
        observedAt: 970,
      },
      {
        name: "clock_server_offset_uncertainty_seconds",
        value: 0.002,
        labels: { server: "server-1" },
        observedAt: 970,
      },
    ]);
  });

  it("is not at fault when only a minority of the servers differs from it", () => {
    const wrong = server(9, { server: "server-3" });
    expect(judge({ servers: [server(0), server(0), wrong] }).state).toBe("healthy");
    expect(judge({ servers: [server(0), wrong] }).state).toBe("healthy");
    expect(judge({ servers: [wrong, wrong, server(0)] }).state).toBe("degraded");
  });

  it("of a container is that of its host, unless a server's shows that it is wrong", () => {
    const container = { service: null, hasSystemd: false };
    expect(judge({ ...container, servers: [server(0)] }).state).toBe("healthy");
    expect(judge({ ...container, servers: [server(60)] }).state).toBe("degraded");
  });
});
