import { describe, expect, it } from "vitest";
import { loadDaemonsFile, parseDaemonsFile } from "./definition-file.ts";

const parse = (text: string): ReturnType<typeof parseDaemonsFile> => parseDaemonsFile(text, "d.yaml");

describe("a daemons file", () => {
  it("fills in every default", () => {
    expect(parse("daemons:\n  - name: a\n    command: [a, --b]\n")).toEqual([
      {
        name: "a",
        command: ["a", "--b"],
        cwd: null,
        env: {},
        critical: false,
        dependsOn: [],
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
        health: null,
        startupGraceMs: 60_000,
      },
    ]);
  });

  it("reads each kind of health check", () => {
    const text = `daemons:
  - {name: a, command: [a], health: {http: "http://127.0.0.1:8000/health"}}
  - {name: b, command: [b], health: {tcp: "[::1]:80", intervalSeconds: 1}}
  - {name: c, command: [c], health: {exec: [true-ish], timeoutSeconds: 2}}
`;
    expect(parse(text).map(({ health }) => health)).toEqual([
      { target: { kind: "http", url: "http://127.0.0.1:8000/health" }, intervalMs: 10_000, timeoutMs: 5000 },
      { target: { kind: "tcp", host: "::1", port: 80 }, intervalMs: 1000, timeoutMs: 5000 },
      { target: { kind: "exec", argv: ["true-ish"] }, intervalMs: 10_000, timeoutMs: 2000 },
    ]);
  });

  it.each([
    [
      "an unknown key",
      "daemons:\n  - name: a\n    command: [a]\n    critcal: true\n",
      "d.yaml:4: daemons[0].critcal: unknown key",
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
      "daemons:\n  - name: a\n    command: [a]\n    restart:\n      burstDeaths: 9\n",
      "d.yaml:4: daemons[0].restart: 9 deaths take at least 146.4 s",
    ],
    [
      "delays the wrong way round",
      "daemons:\n  - name: a\n    command: [a]\n    restart:\n      maxDelaySeconds: 0.5\n",
      "d.yaml:5: daemons[0].restart.maxDelaySeconds: 0.5 s is less",
    ],
    [
      "two health checks",
      "daemons:\n  - name: a\n    command: [a]\n    health: {tcp: 'x:1', exec: [x]}\n",
      "d.yaml:4: daemons[0].health: needs exactly one",
    ],
    [
      "no health check in health",
      "daemons:\n  - name: a\n    command: [a]\n    health: {}\n",
      "d.yaml:4: daemons[0].health: needs exactly one",
    ],
    [
      "a port too high",
      "daemons:\n  - name: a\n    command: [a]\n    health: {tcp: 'x:70000'}\n",
      "d.yaml:4: daemons[0].health.tcp: port must be",
    ],
    [
      "another protocol",
      "daemons:\n  - name: a\n    command: [a]\n    health: {http: 'ftp://x/'}\n",
      "d.yaml:4: daemons[0].health.http: must be an http",
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
    expect(() => parse(text)).toThrow("d.yaml:3: daemons[1].bad: unknown key");
    expect(() => parse(text)).toThrow("and 5 more");
  });

  it("says which file cannot be read", () => {
    expect(() => loadDaemonsFile("/nowhere/d.yaml")).toThrow("Cannot read the daemons file /nowhere/d.yaml");
  });
});
