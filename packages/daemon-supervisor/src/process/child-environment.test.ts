import { describe, expect, it } from "vitest";
import { parseEnvFile } from "../definition/env-file.ts";
import { childEnvironment, inheritedEnvironment } from "./child-environment.ts";

describe("the environment of a daemon", () => {
  it("holds nothing that is the supervisor's own business", () => {
    const own = {
      PATH: "/bin",
      RINGRIFT_API_TOKEN_FILE: "/secret",
      RINGRIFT_ETCD_PASSWORD: "hunter2",
      NOTIFY_SOCKET: "/run/systemd/notify",
      WATCHDOG_PID: "1",
      WATCHDOG_USEC: "1",
      LISTEN_FDS: "1",
      CREDENTIALS_DIRECTORY: "/run/credentials",
      NOTHING: undefined,
    };
    expect(inheritedEnvironment(own)).toEqual({ PATH: "/bin" });
  });

  it("says who it is and how it can notify, unless its definition says otherwise", () => {
    const user = { name: "worker", uid: 1000, gid: 1000, groups: [], home: "/home/worker" };
    expect(
      childEnvironment(
        { PATH: "/bin", HOME: "/root" },
        { env: { LOGNAME: "w", A: "1" }, user, notifyFd: 4, watchdogMs: 1500 },
      ),
    ).toEqual({
      PATH: "/bin",
      HOME: "/home/worker",
      USER: "worker",
      LOGNAME: "w",
      RINGRIFT_NOTIFY_FD: "4",
      WATCHDOG_USEC: "1500000",
      A: "1",
    });
  });
});

describe("an env file", () => {
  it("is read line by line: comments, quotes, export, the last one wins, nothing is expanded", () => {
    const text = `# a comment\n\nA=1\r\nexport B = "two words"\nC='$HOME'\nA=3\nD=\nE="open\n`;
    expect(parseEnvFile(text)).toEqual({
      variables: { A: "3", B: "two words", C: "$HOME", D: "", E: '"open' },
      problems: [],
    });
  });

  it("names the lines that are none, without repeating what may be a secret", () => {
    expect(parseEnvFile("A=1\nhunter2\n1B=2\n").problems).toEqual([
      { line: 2, reason: "is not NAME=value" },
      { line: 3, reason: "is not NAME=value" },
    ]);
  });
});
