import { describe, expect, it } from "vitest";
import { loadDaemonsFile, parseDaemonsFile } from "./definition-file.ts";

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

  it.each([
    [
      "an unknown key",
      "daemons:\n  - name: a\n    command: [a]\n    critcal: true\n",
      "d.yaml:4: daemons[0].critcal: unknown key; did you mean critical?",
    ],
    ["a shell string", "daemons:\n  - name: a\n    command: a --b\n", "d.yaml:3: daemons[0].command: "],
    [
      "an empty program",
      'daemons:\n  - name: a\n    command: [""]\n',
      "d.yaml:3: daemons[0].command[0]: needs a program",
    ],
    ["a missing command", "daemons:\n  - name: a\n", "d.yaml:2: daemons[0].command: "],
    ["a bad name", "daemons:\n  - {name: 'a b', command: [a]}\n", "d.yaml:2: daemons[0].name: must start"],
    [
      "a duplicate",
      "daemons:\n  - {name: a, command: [a]}\n  - {name: a, command: [b]}\n",
      'd.yaml:3: daemons[1].name: duplicate name "a"',
    ],
    [
      "an unknown dependency",
      "daemons:\n  - name: a\n    command: [a]\n    dependsOn:\n      - b\n",
      'd.yaml:5: daemons[0].dependsOn[0]: unknown daemon "b"; defined are a',
    ],
    [
      "a cycle",
      "daemons:\n  - {name: a, command: [a], dependsOn: [b]}\n  - {name: b, command: [b], dependsOn: [a]}\n",
      "d.yaml:2: daemons[0].dependsOn: dependency cycle: a -> b -> a",
    ],
    [
      "an unreachable limit",
      "daemons:\n  - name: a\n    command: [a]\n    restart:\n      burstDeaths: 10\n",
      "d.yaml:4: daemons[0].restart: 10 deaths take at least 146.4 s",
    ],
    [
      "delays the wrong way round",
      "daemons:\n  - name: a\n    command: [a]\n    restart:\n      maxDelaySeconds: 0.5\n",
      "d.yaml:5: daemons[0].restart.maxDelaySeconds: 0.5 s is less",
    ],
    [
      "two targets",
      "daemons:\n  - name: a\n    command: [a]\n    liveness: {tcp: 'x:1', exec: [x]}\n",
      "d.yaml:4: daemons[0].liveness: needs exactly one",
    ],
    [
      "no target in a liveness probe",
      "daemons:\n  - name: a\n    command: [a]\n    liveness: {}\n",
      "d.yaml:4: daemons[0].liveness: needs exactly one",
    ],
    [
      "a port too high",
      "daemons:\n  - name: a\n    command: [a]\n    liveness: {tcp: 'x:70000'}\n",
      "d.yaml:4: daemons[0].liveness.tcp: port must be",
    ],
    [
      "another protocol",
      "daemons:\n  - name: a\n    command: [a]\n    liveness: {http: 'ftp://x/'}\n",
      "d.yaml:4: daemons[0].liveness.http: must be an http",
    ],
    [
      "an unstoppable signal",
      "daemons:\n  - name: a\n    command: [a]\n    stop: {signal: SIGWINCH}\n",
      "d.yaml:4: daemons[0].stop.signal: ",
    ],
    [
      "a number for a variable",
      "daemons:\n  - name: a\n    command: [a]\n    env: {PORT: 80}\n",
      "d.yaml:4: daemons[0].env.PORT: ",
    ],
    [
      "an unknown key deep inside",
      "daemons:\n  - name: a\n    command: [a]\n    liveness:\n      tcp: x:1\n      interval: 3\n",
      "d.yaml:6: daemons[0].liveness.interval: unknown key; did you mean intervalSeconds?",
    ],
    [
      "a cycle through two dependencies and itself alone, each in full",
      "daemons:\n  - {name: a, command: [a], dependsOn: [b]}\n  - {name: b, command: [b], dependsOn: [c]}\n  - {name: c, command: [c], dependsOn: [a]}\n  - {name: d, command: [d], dependsOn: [d]}\n",
      "dependency cycle: a -> b -> c -> a\nd.yaml:5: daemons[3].dependsOn: dependency cycle: d -> d",
    ],
    [
      "a cycle that the order of a group closes",
      "groups: {g: one_for_all}\ndaemons:\n  - {name: a, command: [a], group: g, dependsOn: [b]}\n  - {name: b, command: [b], group: g}\n",
      "d.yaml:3: daemons[0].group: dependency cycle: a -> b -> a; members of a group wait",
    ],
    [
      "an unknown group",
      "groups: {web: one_for_one}\ndaemons:\n  - {name: a, command: [a], group: wbe}\n",
      'd.yaml:3: daemons[0].group: unknown group "wbe"; defined are web',
    ],
    [
      "a wait for what never completes",
      "daemons:\n  - {name: a, command: [a]}\n  - {name: b, command: [b], dependsOn: [{name: a, condition: completed}]}\n",
      "d.yaml:3: daemons[1].dependsOn[0]: a never completes, since its restart mode is always",
    ],
    [
      "a burst limit behind the hourly one",
      "daemons:\n  - name: a\n    command: [a]\n    restart: {burstDeaths: 12, burstWindowSeconds: 3600}\n",
      "d.yaml:4: daemons[0].restart: 12 deaths in 3600 s are never seen: more than 10 in an hour come first, at the 11th death",
    ],
    [
      "an exit in two sets that contradict each other",
      "daemons:\n  - name: a\n    command: [a]\n    restart: {prevent: [1, 2], force: [2]}\n",
      "d.yaml:4: daemons[0].restart.force: 2 is also in prevent",
    ],
    [
      "a memory limit above what the host has",
      "daemons:\n  - name: a\n    command: [a]\n    memory: {maxMegabytes: 99999999}\n",
      "d.yaml:4: daemons[0].memory.maxMegabytes: 99999999 MB can never be reached: this host has ",
    ],
    [
      "a schedule that never comes",
      "daemons:\n  - name: a\n    command: [a]\n    schedule: {cron: '0 0 30 2 *'}\n",
      'd.yaml:4: daemons[0].schedule: "0 0 30 2 *" never comes',
    ],
    [
      "a schedule that is none",
      "daemons:\n  - name: a\n    command: [a]\n    schedule: {cron: 'every day'}\n",
      "d.yaml:4: daemons[0].schedule: ",
    ],
    [
      "an account that does not exist",
      "daemons:\n  - name: a\n    command: [a]\n    user: nobody-of-that-name\n",
      'd.yaml:4: daemons[0].user: there is no account "nobody-of-that-name" on this host',
    ],
    [
      "an env file that is not there",
      "daemons:\n  - name: a\n    command: [a]\n    envFiles: [none.env]\n",
      "d.yaml:4: daemons[0].envFiles[0]: cannot be read: ",
    ],
    [
      "a broken regular expression",
      "daemons:\n  - name: a\n    command: [a]\n    readiness: {logLine: '('}\n",
      "d.yaml:4: daemons[0].readiness.logLine: is not a regular expression",
    ],
    [
      "an exit code that is none",
      "daemons:\n  - name: a\n    command: [a]\n    restart: {success: [256]}\n",
      "d.yaml:4: daemons[0].restart.success[0]: must be an exit code from 0 to 255 or the name of a signal",
    ],
    ["the same key twice", "daemons:\n  - name: a\n    name: b\n", "d.yaml:3: "],
    ["broken YAML", "daemons: [\n", "d.yaml:"],
    ["an empty file", "", "d.yaml:1: (top level): "],
    ["no list", "daemons: 3\n", "d.yaml:1: daemons: "],
  ])("refuses %s with file, line, key and reason", (_name, text, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: "DAEMONS_INVALID", message: expect.stringContaining(message) }),
    );
  });

  it("names every mistake, up to twenty", () => {
    const text = `daemons:\n${"  - {name: a, command: [a], bad: 1}\n".repeat(25)}`;
    expect(() => parse(text)).toThrow("d.yaml:3: daemons[1].bad: unknown key; known are name, critical");
    expect(() => parse(text)).toThrow("and 5 more");
  });

  it("says which file cannot be read", () => {
    expect(() => loadDaemonsFile("/nowhere/d.yaml")).toThrow("Cannot read the daemons file /nowhere/d.yaml");
  });
});
