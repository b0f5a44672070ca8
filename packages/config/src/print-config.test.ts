import { describe, expect, it } from "vitest";
import { loadConfig } from "./load-config.ts";
import type { Machine } from "./machine.ts";
import { printConfig, printConfigJson } from "./print-config.ts";

const machine: Machine = {
  hostName: "host-1",
  homeDirectory: "/home/ada",
  isRoot: false,
  readFile: () => "",
  fileMode: () => 0o600,
};
const config = loadConfig("health-server", {
  flags: { port: "0" },
  env: { RINGRIFT_MESH_KEY_FILE: "/keys/mesh", RINGRIFT_SERVERS: "ws://a,ws://b" },
  machine,
});

describe("printConfig", () => {
  it("shows each value with its source and masks secrets", () => {
    const text = printConfig(config);
    expect(text).toMatch(/^healthServerPort +0 +--port$/m);
    expect(text).toMatch(/^servers +ws:\/\/a\/mesh,ws:\/\/b\/mesh +RINGRIFT_SERVERS$/m);
    expect(text).toMatch(/^meshKeyFile +\*\*\*\* +RINGRIFT_MESH_KEY_FILE$/m);
    expect(text).toMatch(/^apiTokenFile +- +default$/m);
    expect(text).not.toContain("/keys/mesh");
  });

  it("gives the same as JSON", () => {
    const printed = JSON.parse(printConfigJson(config));
    expect(printed.program).toBe("health-server");
    expect(printed.settings).toContainEqual({
      key: "meshKeyFile",
      env: "RINGRIFT_MESH_KEY_FILE",
      value: "****",
      source: "RINGRIFT_MESH_KEY_FILE",
    });
    expect(printed.settings).toHaveLength(config.entries.length);
  });
});
