import { expect, it } from "vitest";
import { checkEndpoints } from "./endpoints.ts";

it("endpoints of etcd are plain http or https addresses, and anything else is refused with what is accepted", () => {
  expect(checkEndpoints(["http://10.0.0.1:2379", "https://etcd.example"])).toHaveLength(2);
  const bad = ["ws://a", "http://a/v3", "http://a?x", "http://u:p@a", "a:2379", ""];
  for (const list of [[], ...bad.map((each) => [each])])
    expect(() => checkEndpoints(list), list.join()).toThrow(
      expect.objectContaining({ code: "ETCD_ENDPOINTS", nextStep: expect.stringContaining("http://") }),
    );
});
