import { describe, expect, it } from "vitest";
import { acceptedKey, parseKeyring, signingKey } from "./keyring.ts";

const secret = Buffer.alloc(32, 7).toString("base64");

describe("a keyring", () => {
  it("signs with its first valid key and accepts every valid one", () => {
    const keyring = parseKeyring(
      `# rotation\nold:${secret}:2020-01-01T00:00:00Z\n\nnew:${secret}\nnext:${secret}`,
      "keys",
    );
    const now = Date.parse("2026-01-01");
    expect(signingKey(keyring, now)?.kid).toBe("new");
    expect(acceptedKey(keyring, "next", now)?.kid).toBe("next");
    expect(acceptedKey(keyring, "old", now)).toBeNull();
    expect(acceptedKey(keyring, null, now)).toBeNull();
  });

  it.each([
    ["", /holds no key/],
    ["k1", /Line 1 of the keyring keys/],
    [`a:${secret}\nb:short`, /Line 2 of the keyring keys has a key of \d+ bytes/],
    [`a:${secret}\na:${secret}`, /Line 2 of the keyring keys repeats/],
    [`a:${secret}:never`, /Line 1 of the keyring keys has a notAfter/],
    [`a:!!!`, /Line 1 of the keyring keys has a key that is not base64/],
  ])("refuses %j by naming the line", (text, message) => {
    expect(() => parseKeyring(text, "keys")).toThrow(message);
  });
});
