import { describe, expect, it } from "vitest";
import { loadDaemonsFile, parseDaemonsFile } from "./definition-file.ts";

const parse = (text: string): ReturnType<typeof parseDaemonsFile> => parseDaemonsFile(text, "d.yaml");

function thrown(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was thrown");
}

describe("a daemons file with mistakes", () => {
  it.each([
    [
      "an unknown key",
      "daemons:\n  - name: a\n    command: [a]\n    critcal: true\n",
      "d.yaml:4: daemons[0].critcal: unknown key; did you mean critical?",
    ],
    [
      "a shell string",
      "daemons:\n  - name: a\n    command: a --b\n",
      "d.yaml:3: daemons[0].command: must be a list, such as [program, argument], not a text",
    ],
    [
      "an empty program",
      'daemons:\n  - name: a\n    command: [""]\n',
      "d.yaml:3: daemons[0].command[0]: needs a program",
    ],
    [
      "a missing command",
      "daemons:\n  - name: a\n",
      "d.yaml:2: daemons[0].command: is missing; it must be a list",
    ],
    [
      "a switch that is none",
      "daemons:\n  - {name: a, command: [a], critical: yes}\n",
      "d.yaml:2: daemons[0].critical: must be true or false, not a text",
    ],
    [
      "a time with a unit",
      "daemons:\n  - {name: a, command: [a], stop: {graceSeconds: 10s}}\n",
      "d.yaml:2: daemons[0].stop.graceSeconds: must be a number without a unit, not a text",
    ],
    [
      "a time that is too long",
      "daemons:\n  - {name: a, command: [a], stop: {graceSeconds: 3601}}\n",
      "d.yaml:2: daemons[0].stop.graceSeconds: must be at most 3600",
    ],
    [
      "a section that is a text",
      "daemons:\n  - {name: a, command: [a], memory: 500MB}\n",
      "d.yaml:2: daemons[0].memory: must be keys with values; known are maxMegabytes, samples",
    ],
    [
      "a word that is nearly right",
      "daemons:\n  - {name: a, command: [a], restart: {mode: allways}}\n",
      "d.yaml:2: daemons[0].restart.mode: must be one of always, on-failure, never; did you mean always?",
    ],
    [
      "a signal without its prefix",
      "daemons:\n  - {name: a, command: [a], stop: {signal: term}}\n",
      "SIGUSR2, SIGKILL; did you mean SIGTERM?",
    ],
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
      "d.yaml:4: daemons[0].env.PORT: must be a text; write it in quotes",
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

  it("names mistakes in the order of the file, and repeats no value that may be secret", () => {
    const text =
      "daemons:\n  - name: a\n    command: hunter2\n    env: {A: [hunter2]}\n    critcal: true\n  - name: 1\n";
    const message = thrown(() => parse(text)).message;
    expect(message.match(/^d.yaml:\d+/gm)).toEqual([
      "d.yaml:3",
      "d.yaml:4",
      "d.yaml:5",
      "d.yaml:6",
      "d.yaml:6",
    ]);
    expect(message).not.toContain("hunter2");
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
