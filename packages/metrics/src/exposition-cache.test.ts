import { expect, it } from "vitest";
import { ExpositionCache } from "./exposition-cache.ts";
import { singleValue } from "./metric-family.ts";

it("the exposition cache writes a format once until it is cleared", () => {
  let value = 0;
  const cache = new ExpositionCache(() => {
    value += 1;
    return [singleValue("written", "gauge", "How often the page was written.", value)];
  });
  expect(cache.read(undefined).body).toContain("written 1\n");
  expect(cache.read("text/plain").body).toContain("written 1\n");
  expect(cache.read("application/openmetrics-text").body).toContain("written 2\n# EOF\n");
  cache.clear();
  expect(cache.read(undefined).body).toContain("written 3\n");
});
