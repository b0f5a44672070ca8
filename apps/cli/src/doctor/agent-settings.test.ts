import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readSettings } from "./agent-settings.ts";

const directory = mkdtempSync(join(tmpdir(), "doctor-settings-"));
afterAll(() => rmSync(directory, { recursive: true }));

function file(text: string): string {
  const path = join(directory, "agent.yaml");
  writeFileSync(path, text);
  return path;
}

const look = (env: Record<string, string>, flags: Record<string, string | undefined> = {}) =>
  readSettings({ flags, env });

describe("the settings of an agent", () => {
  it("are counted where they are good", () => {
    const { config, findings } = look({ RINGRIFT_NODE_ID: "gpu-7", PATH: "/bin" });
    expect(config.nodeId).toBe("gpu-7");
    expect(findings).toEqual([
      { check: "settings", state: "ok", text: "1 given, the others are at their defaults" },
    ]);
    expect(look({}).findings).toMatchObject([
      { state: "ok", text: expect.stringContaining("none is given") },
    ]);
  });

  it("that are bad are told one by one, and the good ones stand", () => {
    const { config, findings } = look({
      RINGRIFT_AGENT_PORT: "99999",
      RINGRIFT_SEVERS: "ws://a:1/mesh",
      RINGRIFT_NODE_ID: "gpu-7",
    });
    expect(config).toMatchObject({ nodeId: "gpu-7", port: 8791 });
    expect(findings.map(({ state, text }) => [state, text])).toEqual([
      ["failed", "RINGRIFT_SEVERS: is not known; did you mean RINGRIFT_SERVERS?"],
      ["failed", expect.stringContaining('agentPort = "99999" (from RINGRIFT_AGENT_PORT)')],
    ]);
  });

  it("of a file that cannot be used leave those of the environment", () => {
    const config = file("nodeId: gpu-8\nagentPort: many\n");
    const bad = look({ RINGRIFT_CLUSTER_ID: "lab" }, { config });
    expect(bad.config).toMatchObject({ clusterId: "lab", port: 8791 });
    expect(bad.findings[0]?.text).toContain("agent.yaml:2");
    const missing = look({ RINGRIFT_CLUSTER_ID: "lab", RINGRIFT_CONFIG: join(directory, "none.yaml") });
    expect(missing.config.clusterId).toBe("lab");
    expect(missing.findings[0]?.state).toBe("failed");
  });

  it("name whoever may read a secret file, and variables that nobody reads", () => {
    const keys = join(directory, "mesh.keys");
    writeFileSync(keys, "k1:x\n", { mode: 0o644 });
    const { findings } = look({ RINGRIFT_MESH_KEY_FILE: keys, RINGRIT_NODE_ID: "gpu-7", RINGTONE: "beep" });
    expect(findings.filter(({ state }) => state === "warning")).toEqual([
      expect.objectContaining({
        text: expect.stringContaining("RINGRIT_NODE_ID"),
        nextStep: "Did you mean RINGRIFT_NODE_ID?",
      }),
      expect.objectContaining({ text: expect.stringMatching(/mesh\.keys \(mode 644\); run chmod 600/) }),
    ]);
  });
});
