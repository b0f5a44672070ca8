import { describe, expect, it } from "vitest";
import { AddressLimiter } from "./address-limiter.ts";
import { limits } from "./limits.ts";

describe("the memory of addresses that fail", () => {
  it("turns an address away after 20 refusals and takes it again as time passes", () => {
    const addresses = new AddressLimiter();
    for (let index = 0; index < 19; index += 1) addresses.failed("10.0.0.9", "refused", 0);
    expect(addresses.isBlocked("10.0.0.9", 0)).toBe(false);
    addresses.failed("10.0.0.9", "refused", 0);
    expect(addresses.isBlocked("10.0.0.9", 0)).toBe(true);
    expect(addresses.isBlocked("10.0.0.8", 0)).toBe(false);
    expect(addresses.isBlocked("10.0.0.9", 200)).toBe(false);
  });

  it("bears the hang-ups of hundreds of overloaded agents behind one address, but not of any number", () => {
    const addresses = new AddressLimiter();
    for (let index = 0; index < limits.hangUpsPerAddress.burst - 1; index += 1)
      addresses.failed("10.0.0.9", "hung_up", 0);
    addresses.failed("10.0.0.9", "refused", 0);
    expect(addresses.isBlocked("10.0.0.9", 0)).toBe(false);
    addresses.failed("10.0.0.9", "hung_up", 0);
    expect(addresses.isBlocked("10.0.0.9", 0)).toBe(true);
    expect(addresses.isBlocked("10.0.0.9", 1_000 / limits.hangUpsPerAddress.perSecond)).toBe(false);
  });

  it("holds so many addresses and no more, and forgets the one that failed longest ago", () => {
    const addresses = new AddressLimiter();
    for (let index = 0; index < 20; index += 1) addresses.failed("first", "refused", 0);
    for (let index = 0; index < limits.addressesRemembered; index += 1)
      addresses.failed(`${index}`, "refused", 0);
    expect(addresses.size).toBe(limits.addressesRemembered);
    expect(addresses.isBlocked("first", 0)).toBe(false);
  });
});
