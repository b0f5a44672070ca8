import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expose, negotiate } from "./negotiate.ts";

const prometheus2 =
  "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const prometheus3 =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

describe("negotiate", () => {
  it.each([
    [prometheus2, "openmetrics"],
    [prometheus3, "openmetrics"],
    ["application/openmetrics-text", "openmetrics"],
    ["Application/OpenMetrics-Text; Version=1.0.0", "openmetrics"],
    ["application/openmetrics-text; version=0.0.1", "text"],
    ["application/openmetrics-text;q=0.1, text/plain;q=0.9", "text"],
    ["application/openmetrics-text;q=0.5, text/plain;version=1.0.0", "openmetrics"],
    ["application/openmetrics-text;q=0", "text"],
    ["application/openmetrics-text;q=nope", "text"],
    ["text/html,application/xhtml+xml,*/*;q=0.8", "text"],
    ["*/*", "text"],
    ["application/json", "text"],
    ["", "text"],
    [undefined, "text"],
  ])("answers %s with %s", (accept, format) => {
    expect(negotiate(accept)).toBe(format);
  });

  it("answers any header", () => {
    fc.assert(fc.property(fc.string(), (accept) => ["text", "openmetrics"].includes(negotiate(accept))));
  });
});

describe("expose", () => {
  it("names the format that it wrote", () => {
    expect(expose([], prometheus2)).toEqual({
      contentType: "application/openmetrics-text; version=1.0.0; charset=utf-8",
      body: "# EOF\n",
    });
    expect(expose([], undefined)).toEqual({
      contentType: "text/plain; version=0.0.4; charset=utf-8",
      body: "",
    });
  });
});
