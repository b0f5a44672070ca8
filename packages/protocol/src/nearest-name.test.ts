import { expect, it } from "vitest";
import { nearestName } from "./nearest-name.ts";

it("knows a mistyped name, one in other letters and one cut short, and does not guess wildly", () => {
  const known = ["interval", "intervalSeconds", "timeoutSeconds", "critical"];
  expect(nearestName("critcal", known)).toBe("critical");
  expect(nearestName("TIMEOUTSECONDS", known)).toBe("timeoutSeconds");
  expect(nearestName("timeout", known)).toBe("timeoutSeconds");
  expect(nearestName("interval", known)).toBe("interval");
  expect(nearestName("colour", known)).toBe(null);
});
