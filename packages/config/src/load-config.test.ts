import { HealthThresholds } from "@ringrift/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import { type ConfigInput, loadConfig } from "./load-config.ts";
import type { Machine } from "./machine.ts";
import { printConfig } from "./print-config.ts";
import { settings, settingsOf } from "./settings.ts";

interface FakeFile {
  readonly text: string;
  readonly mode: number;
}

function machine(files: Readonly<Record<string, FakeFile>> = {}, isRoot = false): Machine {
  const find = (path: string): FakeFile => {
    const file = files[path];
    if (file === undefined) throw new Error("no such file");
    return file;
  };
  return {
    hostName: "host-1",
    homeDirectory: "/home/ada",
    isRoot,
    readFile: (path) => find(path).text,
    fileMode: (path) => find(path).mode,
  };
}

function problemsOf(input: ConfigInput, program: "health-server" | "node-agent" | "cli" = "health-server") {
  try {
    loadConfig(program, input);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

function withEnv(env: Record<string, string>): readonly ConfigProblem[] {
  return problemsOf({ env, machine: machine() });
}

describe("loadConfig", () => {
  it("gives a server its own address as the only server, and names server and agent of one host apart", () => {
    const env = { RINGRIFT_HEALTH_SERVER_PORT: "9100" };
    expect(loadConfig("health-server", { env, machine: machine() })).toMatchObject({
      nodeId: "host-1-server",
      servers: ["ws://127.0.0.1:9100/mesh"],
      elector: "standalone",
    });
    expect(loadConfig("node-agent", { env, machine: machine() }).nodeId).toBe("host-1");
  });

  it("gives the defaults when nothing is set", () => {
    const config = loadConfig("health-server", { env: {}, machine: machine() });
    expect(config).toMatchObject({
      program: "health-server",
      clusterId: "ringrift",
      nodeId: "host-1-server",
      host: "127.0.0.1",
      port: 8790,
      servers: ["ws://127.0.0.1:8790/mesh"],
      elector: "standalone",
      meshKeyFile: null,
      apiTokenFile: null,
      dataDir: "/home/ada/.local/state/ringrift",
      heartbeatIntervalSeconds: 1,
      expectedNodes: 0,
      logLevel: "info",
      thresholds: HealthThresholds,
      warnings: [],
    });
    expect(config.entries.every((entry) => entry.source === "default")).toBe(true);
  });

  it("gives agent and CLI their own values", () => {
    const agent = loadConfig("node-agent", { env: { RINGRIFT_EXPECTED_GPUS: "8" }, machine: machine() });
    expect(agent).toMatchObject({ host: "127.0.0.1", port: 8791, nvidiaSmi: "nvidia-smi", expectedGpus: 8 });
    const cli = loadConfig("cli", { env: {}, machine: machine() });
    expect(cli).toMatchObject({ program: "cli", expectedGpus: null, daemonsFile: null });
  });

  it("prefers a flag to a variable to the file to the default, and says which it took", () => {
    const files = { "c.yaml": { text: "clusterId: file\nnodeId: file\nlogLevel: debug\n", mode: 0o644 } };
    const config = loadConfig("health-server", {
      flags: { config: "c.yaml", "cluster-id": "flag" },
      env: { RINGRIFT_CLUSTER_ID: "variable", RINGRIFT_NODE_ID: "variable" },
      machine: machine(files),
    });
    const source = (key: string) => config.entries.find((entry) => entry.setting.key === key)?.source;
    expect([config.clusterId, source("clusterId")]).toEqual(["flag", "--cluster-id"]);
    expect([config.nodeId, source("nodeId")]).toEqual(["variable", "RINGRIFT_NODE_ID"]);
    expect([config.logLevel, source("logLevel")]).toEqual(["debug", "c.yaml:3:1"]);
    expect(source("elector")).toBe("default");
  });

  it("reads the file that RINGRIFT_CONFIG names, lists included, and keys of other programs", () => {
    const text = "servers:\n  - ws://a:8790\n  - wss://b/mesh\nagentPort: 1\n";
    const config = loadConfig("health-server", {
      env: { RINGRIFT_CONFIG: "c.yaml" },
      machine: machine({ "c.yaml": { text, mode: 0o644 } }),
    });
    expect(config.servers).toEqual(["ws://a:8790/mesh", "wss://b/mesh"]);
    expect(config.elector).toBe("mesh");
  });

  it("keeps data in /var/lib for root and in XDG_STATE_HOME where that is absolute", () => {
    expect(loadConfig("cli", { env: {}, machine: machine({}, true) }).dataDir).toBe("/var/lib/ringrift");
    const dataDir = (state: string) =>
      loadConfig("cli", { env: { XDG_STATE_HOME: state }, machine: machine() }).dataDir;
    expect(dataDir("/state")).toBe("/state/ringrift");
    expect(dataDir("relative")).toBe("/home/ada/.local/state/ringrift");
  });

  it("sets a threshold by its variable", () => {
    const config = loadConfig("health-server", {
      env: { RINGRIFT_ERROR_RATE_THRESHOLD: "0.8" },
      machine: machine(),
    });
    expect(config.thresholds).toEqual({ ...HealthThresholds, ERROR_RATE_CRITICAL: 0.8 });
  });

  it("names all problems at once, each with source, value and what is accepted", () => {
    const text = "heartbeatInterval: fast\nnope: 1\nnodeId: [[1]]\n";
    const problems = problemsOf({
      flags: { port: "99999", config: "c.yaml" },
      env: { RINGRIFT_SERVERS: "http://a", RINGRIFT_NODEID: "x" },
      machine: machine({ "c.yaml": { text, mode: 0o644 } }),
    });
    const short = problems.map(({ key, source, value }) => [key, source, value]);
    expect(short).toEqual(
      expect.arrayContaining([
        ["healthServerPort", "--port", "99999"],
        ["servers", "RINGRIFT_SERVERS", "http://a"],
        ["RINGRIFT_NODEID", "environment", null],
        ["heartbeatInterval", "c.yaml:1:1", "fast"],
        ["nope", "c.yaml:2:1", null],
        ["nodeId", "c.yaml:3:1", null],
      ]),
    );
    expect(problems).toHaveLength(6);
    expect(problems.find((problem) => problem.key === "RINGRIFT_NODEID")?.problem).toContain(
      "did you mean RINGRIFT_NODE_ID?",
    );
  });

  it("is a typed error with code and next step", () => {
    expect(() => loadConfig("cli", { env: { RINGRIFT_NODE_ID: "" }, machine: machine() })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", name: "ConfigError", nextStep: expect.any(String) }),
    );
  });

  it.each([
    [
      "RINGRIFT_HEALTH_SERVER_PORT",
      ["", " ", "-1", "65536", "80.5", "0x50", "1e9", "Infinity", "NaN", "8790x"],
    ],
    ["RINGRIFT_HEALTH_SERVER_HOST", ["a b", "http://a", "a:80", "[", "-a"]],
    [
      "RINGRIFT_SERVERS",
      ["ws://", "ws://a,", "ws://a,ws://a", "ws://a?x=1", "ws://a#x", "ws://u:p@a", "ftp://a"],
    ],
    ["RINGRIFT_ELECTOR", ["etcd", "Mesh", "raft"]],
    [
      "RINGRIFT_ETCD_ENDPOINTS",
      ["ws://a", "http://a/v3", "http://a,http://a", "http://u:p@a", "http://a:2379", "a:2379"],
    ],
    ["RINGRIFT_NODE_ID", ["a b", "a/b", ".a", "a".repeat(101), "a\nb"]],
    ["RINGRIFT_LOG_LEVEL", ["loud", "INFO"]],
    ["RINGRIFT_MESH_KEY_FILE", ["/nonexistent"]],
    ["RINGRIFT_ERROR_RATE_THRESHOLD", ["1.1", "-0.1", "50%"]],
  ])("refuses bad values of %s", (name, values) => {
    for (const value of values) {
      const problems = withEnv({ [name]: value });
      expect(problems, JSON.stringify(value)).toHaveLength(1);
      expect(problems[0]?.source).toBe(name);
    }
  });

  it("accepts the edges of a port's range", () => {
    for (const port of ["0", "65535"]) expect(withEnv({ RINGRIFT_HEALTH_SERVER_PORT: port })).toEqual([]);
  });

  it("takes servers with names, which a server finds itself by when addresses differ", () => {
    const env = { RINGRIFT_SERVERS: "a=ws://10.0.0.1:8790,b=wss://b.example" };
    const { servers } = loadConfig("health-server", { env, machine: machine() });
    expect(servers).toEqual(["a=ws://10.0.0.1:8790/mesh", "b=wss://b.example/mesh"]);
    expect(withEnv({ RINGRIFT_SERVERS: "a b=ws://a" })).toHaveLength(1);
  });

  it("takes etcd with its addresses, and neither of the two alone", () => {
    const env = { RINGRIFT_ELECTOR: "etcd", RINGRIFT_ETCD_ENDPOINTS: "http://a:2379,https://b" };
    expect(loadConfig("health-server", { env, machine: machine() })).toMatchObject({
      elector: "etcd",
      etcdEndpoints: ["http://a:2379", "https://b"],
    });
    expect(withEnv({ RINGRIFT_ELECTOR: "etcd" })[0]?.problem).toContain("needs RINGRIFT_ETCD_ENDPOINTS");
    expect(withEnv({ RINGRIFT_ETCD_ENDPOINTS: "http://a" })[0]?.problem).toContain(
      "the elector is standalone (from default)",
    );
  });

  it("says that variables of other versions are not there", () => {
    for (const name of ["RINGRIFT_RULES_FILE"]) {
      expect(withEnv({ [name]: "x" })[0]).toMatchObject({
        key: name,
        problem: "is not supported by this version; unset it",
      });
    }
  });

  it("refuses variables made for tests like any unknown one", () => {
    expect(withEnv({ RINGRIFT_TEST_SPEED: "1" })).toHaveLength(1);
  });

  it("checks a bad value that a better source hides", () => {
    const problems = problemsOf({
      flags: { port: "1" },
      env: { RINGRIFT_HEALTH_SERVER_PORT: "x" },
      machine: machine(),
    });
    expect(problems.map((problem) => problem.source)).toEqual(["RINGRIFT_HEALTH_SERVER_PORT"]);
  });

  it("refuses a host name that cannot be a node's name, unless one is set", () => {
    const odd = { ...machine(), hostName: "my host" };
    expect(problemsOf({ env: {}, machine: odd })[0]).toMatchObject({ key: "nodeId", source: "default" });
    expect(problemsOf({ env: { RINGRIFT_NODE_ID: "n" }, machine: odd })).toEqual([]);
  });

  it("refuses to listen off loopback without a mesh key", () => {
    for (const host of ["0.0.0.0", "::", "10.0.0.1", "example.org"]) {
      expect(withEnv({ RINGRIFT_HEALTH_SERVER_HOST: host })[0]?.problem).toContain("RINGRIFT_MESH_KEY_FILE");
    }
    for (const host of ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"]) {
      expect(withEnv({ RINGRIFT_HEALTH_SERVER_HOST: host })).toEqual([]);
    }
    const env = { RINGRIFT_HEALTH_SERVER_HOST: "0.0.0.0", RINGRIFT_MESH_KEY_FILE: "/k" };
    expect(problemsOf({ env, machine: machine({ "/k": { text: "", mode: 0o600 } }) })).toEqual([]);
  });

  it("warns when others may read a secret file", () => {
    const env = { RINGRIFT_MESH_KEY_FILE: "/k" };
    const config = loadConfig("cli", { env, machine: machine({ "/k": { text: "", mode: 0o640 } }) });
    expect(config.warnings).toEqual([expect.stringContaining("mode 640")]);
  });

  it("refuses values that contradict each other", () => {
    const contradictions: Record<string, string>[] = [
      { RINGRIFT_ERROR_RATE_WARNING: "0.6" },
      { RINGRIFT_SCORE_DEGRADED: "80" },
      { RINGRIFT_PAUSE_SCORE: "61" },
      { RINGRIFT_NODE_EVICTED_FAILURES: "3" },
      { RINGRIFT_ELECTOR: "standalone", RINGRIFT_SERVERS: "ws://a,ws://b" },
    ];
    for (const env of contradictions) expect(withEnv(env), JSON.stringify(env)).toHaveLength(1);
  });

  it("never shows a secret or a password within a URL", () => {
    const files = { "c.yaml": { text: "apiTokenFile: hunter2\n", mode: 0o644 } };
    try {
      loadConfig("health-server", {
        flags: { config: "c.yaml" },
        env: { RINGRIFT_MESH_KEY_FILE: "hunter2", RINGRIFT_SERVERS: "ws://ada:hunter2@a" },
        machine: machine(files),
      });
      expect.unreachable();
    } catch (error) {
      expect(String(error)).toContain("meshKeyFile");
      expect(String(error)).not.toContain("hunter2");
    }
  });

  it("refuses files that are not a YAML map, with the place of the error", () => {
    const problemIn = (text: string) =>
      problemsOf({
        flags: { config: "c.yaml" },
        env: {},
        machine: machine({ "c.yaml": { text, mode: 0o644 } }),
      });
    expect(problemIn("a: [1")[0]?.source).toMatch(/^c\.yaml:\d+:\d+$/);
    expect(problemIn("nodeId: a\nnodeId: b\n")[0]?.source).toBe("c.yaml:2:1");
    expect(problemIn("- 1\n")).toHaveLength(1);
    expect(problemIn("nodeId:\n")).toHaveLength(1);
    expect(problemIn("")).toEqual([]);
    expect(problemIn("# nothing\n")).toEqual([]);
  });

  it("throws nothing but ConfigError, whatever is in the environment and the file", () => {
    const names = settings.map((setting) => setting.env);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.string()), fc.string(), (env, text) => {
        problemsOf({ flags: { config: "c" }, env, machine: machine({ c: { text, mode: 0o644 } }) });
      }),
    );
  });
});

describe("mutual TLS", () => {
  const files = {
    RINGRIFT_MESH_TLS_CERT_FILE: "/c",
    RINGRIFT_MESH_TLS_KEY_FILE: "/k",
    RINGRIFT_MESH_TLS_CA_FILE: "/a",
  };
  const there = machine(
    Object.fromEntries(["/c", "/k", "/a"].map((path) => [path, { text: "", mode: 0o600 }])),
  );

  it("stands for a keyring off loopback, and makes a server's own address a wss:// one", () => {
    const env = { ...files, RINGRIFT_HEALTH_SERVER_HOST: "10.0.0.1" };
    expect(loadConfig("health-server", { env, machine: there })).toMatchObject({
      meshTls: { certFile: "/c", keyFile: "/k", caFile: "/a" },
      meshKeyFile: null,
      servers: ["wss://10.0.0.1:8790/mesh"],
    });
  });

  it("needs all three files, and wss:// servers", () => {
    const { RINGRIFT_MESH_TLS_CA_FILE: _, ...two } = files;
    expect(problemsOf({ env: two, machine: there })[0]?.problem).toBe(
      "needs RINGRIFT_MESH_TLS_CA_FILE as well",
    );
    const plain = { ...files, RINGRIFT_SERVERS: "wss://a:1/mesh,b=ws://b:1/mesh" };
    expect(problemsOf({ env: plain, machine: there }, "node-agent")).toMatchObject([
      { key: "servers", value: "b=ws://b:1/mesh" },
    ]);
  });

  it("asks less of the cli, which may trust an authority and show nothing, but no certificate without its key", () => {
    const { RINGRIFT_MESH_TLS_CA_FILE, RINGRIFT_MESH_TLS_CERT_FILE } = files;
    const config = loadConfig("cli", { env: { RINGRIFT_MESH_TLS_CA_FILE }, machine: there });
    expect(config.tlsFiles).toEqual({ caFile: "/a", certFile: null, keyFile: null });
    expect(problemsOf({ env: { RINGRIFT_MESH_TLS_CERT_FILE }, machine: there }, "cli")).toMatchObject([
      { key: "meshTlsCertFile", problem: "needs RINGRIFT_MESH_TLS_KEY_FILE as well" },
    ]);
  });
});

describe("the way into etcd", () => {
  const etcd = { RINGRIFT_ELECTOR: "etcd", RINGRIFT_ETCD_ENDPOINTS: "https://10.0.0.9:2379" };
  const user = { RINGRIFT_ETCD_USERNAME: "ringrift", RINGRIFT_ETCD_PASSWORD_FILE: "/p" };
  const there = machine(
    Object.fromEntries(["/p", "/c", "/k", "/a"].map((path) => [path, { text: "", mode: 0o600 }])),
  );

  it("is a user with a password, a certificate with its key, and an authority, each where it is given", () => {
    const tls = {
      RINGRIFT_ETCD_CA_FILE: "/a",
      RINGRIFT_ETCD_CERT_FILE: "/c",
      RINGRIFT_ETCD_KEY_FILE: "/k",
    };
    const config = loadConfig("health-server", { env: { ...etcd, ...user, ...tls }, machine: there });
    expect(config.etcdAccess).toEqual({
      username: "ringrift",
      passwordFile: "/p",
      tls: { caFile: "/a", certFile: "/c", keyFile: "/k" },
    });
    expect(printConfig(config)).not.toContain(" /p ");
  });

  it.each([
    [{ RINGRIFT_ETCD_USERNAME: "ringrift" }, "needs RINGRIFT_ETCD_PASSWORD_FILE as well"],
    [{ RINGRIFT_ETCD_CERT_FILE: "/c" }, "needs RINGRIFT_ETCD_KEY_FILE as well"],
    [{ ...user, RINGRIFT_ETCD_ENDPOINTS: "http://10.0.0.9:2379" }, "would carry the password"],
    [
      { RINGRIFT_ETCD_CA_FILE: "/a", RINGRIFT_ETCD_ENDPOINTS: "http://127.0.0.1:2379" },
      "is asked without TLS",
    ],
    [{ ...user, RINGRIFT_ELECTOR: "mesh", RINGRIFT_ETCD_ENDPOINTS: undefined }, "but the elector is mesh"],
  ])("is refused when it is half or open: %j", (env, problem) => {
    expect(problemsOf({ env: { ...etcd, ...env }, machine: there })[0]?.problem).toContain(problem);
  });
});

describe("the settings table", () => {
  it("has no name twice within a program", () => {
    for (const program of ["health-server", "node-agent", "cli"] as const) {
      const own = settingsOf(program);
      for (const field of ["key", "env", "flag"] as const) {
        expect(new Set(own.map((setting) => setting[field])).size).toBe(own.length);
      }
    }
  });
});
