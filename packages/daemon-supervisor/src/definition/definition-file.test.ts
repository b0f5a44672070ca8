import { describe, expect, it } from "vitest";
import { parseDaemonsFile } from "./definition-file.ts";

const parse = (text: string): ReturnType<typeof parseDaemonsFile> => parseDaemonsFile(text, "d.yaml");

describe("a daemons file", () => {
  it("fills in every default", () => {
    expect(parse("daemons:\n  - name: a\n    command: [a, --b]\n")).toEqual([
      {
        name: "a",
        command: ["a", "--b"],
        service: null,
        cwd: null,
        env: {},
        user: null,
        critical: false,
        dependsOn: [],
        group: null,
        exits: { mode: "always", success: [0], prevent: [], force: [] },
        restart: {
          stableMs: 60_000,
          firstDelayMs: 1000,
          maxDelayMs: 60_000,
          jitterRatio: 0.2,
          burstDeaths: 5,
          burstWindowMs: 120_000,
          hourlyDeaths: 10,
          degradedRetryMs: 900_000,
        },
        stop: { signal: "SIGTERM", graceMs: 10_000 },
        readiness: null,
        liveness: null,
        startup: null,
        watchdogMs: null,
        notifyFd: null,
        memory: null,
        logs: { maxBytes: 10_485_760, files: 5, lineBytes: 8192, ringLines: 1000 },
        schedule: null,
      },
    ]);
  });

  it("reads each kind of probe", () => {
    const text = `daemons:
  - {name: a, command: [a], liveness: {http: "http://127.0.0.1:8000/health"}}
  - {name: b, command: [b], liveness: {tcp: "[::1]:80", intervalSeconds: 1, passes: 2}}
  - {name: c, command: [c], startup: {exec: [true-ish], timeoutSeconds: 2}, readiness: {logLine: "^ready"}}
  - {name: d, command: [d], readiness: {notify: true, withinSeconds: 5}, watchdogSeconds: 3, notifyFd: 4}
`;
    const [a, b, c, d] = parse(text);
    const times = { intervalMs: 10_000, timeoutMs: 5000 };
    expect(a?.liveness).toEqual({
      target: { kind: "http", url: "http://127.0.0.1:8000/health" },
      ...times,
      failures: 3,
      passes: 1,
      graceMs: 60_000,
    });
    expect(b?.liveness).toMatchObject({
      target: { kind: "tcp", host: "::1", port: 80 },
      intervalMs: 1000,
      passes: 2,
    });
    expect(c).toMatchObject({
      startup: { target: { kind: "exec", argv: ["true-ish"] }, timeoutMs: 2000, failures: 30 },
      readiness: { kind: "logLine", pattern: "^ready", withinMs: 60_000 },
      notifyFd: null,
    });
    expect(d).toMatchObject({
      readiness: { kind: "notify", withinMs: 5000 },
      watchdogMs: 3000,
      notifyFd: 4,
    });
  });

  it("reads jobs, groups, dependencies with conditions, limits and exit sets", () => {
    const text = `groups: {web: rest_for_one}
daemons:
  - {name: migrate, command: [m], restart: {mode: on-failure, success: [0, 3, SIGTERM], prevent: [64], force: [75]}}
  - {name: a, command: [a], group: web, dependsOn: [{name: migrate, condition: completed}]}
  - {name: b, command: [b], dependsOn: [{name: a, whenLost: restart}, migrate], memory: {maxMegabytes: 1}, logs: {files: 2}}
  - {name: nightly, command: [n], schedule: {cron: "0 3 * * *", timeZone: Europe/Berlin}}
`;
    expect(parse(text)).toMatchObject([
      { exits: { mode: "on-failure", success: [0, 3, "SIGTERM"], prevent: [64], force: [75] } },
      {
        group: { name: "web", strategy: "rest_for_one" },
        dependsOn: [{ name: "migrate", condition: "completed", whenLost: "keep" }],
      },
      {
        dependsOn: [
          { name: "a", condition: "ready", whenLost: "restart" },
          { name: "migrate", condition: "ready" },
        ],
        memory: { maxBytes: 1_048_576, samples: 3 },
        logs: { files: 2, ringLines: 1000 },
      },
      { schedule: { cron: "0 3 * * *", timeZone: "Europe/Berlin" }, exits: { mode: "never" } },
    ]);
  });
});
