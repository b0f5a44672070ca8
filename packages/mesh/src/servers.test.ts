import { describe, expect, it } from "vitest";
import { findSelf, parseServers } from "./servers.ts";

const local = { host: "127.0.0.1", port: 8790, nodeId: "host-a", localAddresses: ["10.0.0.1", "fd00::1"] };

describe("a list of servers", () => {
  it("names each by its host and port, or by the id that it gives", () => {
    expect(parseServers("ws://10.0.0.1:8790/mesh, b=wss://b.example/mesh")).toEqual([
      { voter: "10.0.0.1:8790", url: "ws://10.0.0.1:8790/mesh" },
      { voter: "b", url: "wss://b.example/mesh" },
    ]);
  });

  it.each([
    "",
    "http://a:1/mesh",
    "nonsense",
    "ws://a:1/m,ws://a:1/m",
    Array(8).fill("ws://a:1/m").join(","),
  ])("is refused when it is %j", (text) => {
    expect(() => parseServers(text)).toThrow(expect.objectContaining({ code: "BAD_SERVERS" }));
  });
});

describe("a server finds itself", () => {
  it("by its node id", () => {
    const servers = parseServers("host-a=ws://x:1/mesh,host-b=ws://x:2/mesh");
    expect(findSelf(servers, local)).toBe("host-a");
  });

  it("by the port and an address of its own", () => {
    const servers = parseServers("ws://10.0.0.1:8790/mesh,ws://10.0.0.2:8790/mesh");
    expect(findSelf(servers, { ...local, host: "0.0.0.0" })).toBe("10.0.0.1:8790");
    expect(findSelf(servers, { ...local, host: "10.0.0.2" })).toBe("10.0.0.2:8790");
    expect(findSelf(parseServers("ws://localhost:8790/mesh"), local)).toBe("localhost:8790");
    expect(findSelf(parseServers("ws://[fd00::1]:8790/mesh"), { ...local, host: "::" })).toBe(
      "[fd00::1]:8790",
    );
  });

  it("or says that it is not there, or there twice", () => {
    const wanted = expect.objectContaining({ code: "SELF_NOT_IN_SERVERS" });
    expect(() => findSelf(parseServers("ws://10.0.0.2:8790/mesh"), local)).toThrow(wanted);
    const twice = parseServers("ws://10.0.0.1:8790/mesh,ws://127.0.0.1:8790/mesh");
    expect(() => findSelf(twice, { ...local, host: "0.0.0.0" })).toThrow(wanted);
  });
});
