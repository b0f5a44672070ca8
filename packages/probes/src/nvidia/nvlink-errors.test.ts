import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNvlinkWatch } from "./nvlink.ts";
import { grownErrors, nvlinkErrorMeasures, parseNvlinkErrors } from "./nvlink-errors.ts";

const uuid = "GPU-00000000-0000-0000-0000-000000000000";
const labels = { gpu: "0", uuid };
const head = `GPU 0: NVIDIA H100 80GB HBM3 (UUID: ${uuid})\n`;
/** As drivers print it for cards up to Hopper. */
const hopper = (replay: number, recovery: number, crc: number) =>
  [0, 1]
    .map((link) => {
      const lines = [`Replay Errors: ${replay}`, `Recovery Errors: ${recovery}`, `CRC Errors: ${crc}`];
      return lines.map((line) => `\t Link ${link}: ${line}\n`).join("");
    })
    .join("\n");
/** As driver 595 prints it for NVLink 5. */
const blackwell = (failed: number) =>
  [
    "Malformed packet Errors: 0",
    "Buffer overrun Errors: 0",
    "Rx Errors: 3",
    "Rx remote Errors: 0",
    "Rx General Errors: 0",
    "Local link integrity Errors: 0",
    "Tx discards: 1",
    "Link recovery successful events: 2",
    `Link recovery failed events: ${failed}`,
    `Total link recovery events: ${2 + failed}`,
    "Effective Errors: 0",
    "Symbol Errors: 0",
    "FEC Errors - 0: 36140749276",
    "FEC Errors - 1: 12",
    "Effective BER: 15e-255",
  ]
    .map((line) => `\t Link 4: ${line}\n`)
    .join("");
const sums = (text: string) =>
  nvlinkErrorMeasures(parseNvlinkErrors(text).get(uuid) ?? new Map(), labels, 1000).map(
    ({ labels: { kind } = {}, value }) => `${kind} ${value}`,
  );

describe("NVLink errors", () => {
  it("are summed over a card's links, one series for each kind", () => {
    expect(sums(head + hopper(1, 0, 7))).toEqual(["replay 2", "recovery 0", "crc 14"]);
  });

  it("of NVLink 5 leave out sums of others, rates, and what error correction put right", () => {
    expect(sums(head + blackwell(0))).toEqual([
      "malformed_packet 0",
      "buffer_overrun 0",
      "receive 3",
      "receive_remote 0",
      "receive_general 0",
      "link_integrity 0",
      "transmit_discard 1",
      "recovery_successful 2",
      "recovery_failed 0",
      "effective 0",
      "symbol 0",
    ]);
  });

  it("grow between two answers; a counter that went back was reset", () => {
    const at = (text: string) => parseNvlinkErrors(head + text).get(uuid) ?? new Map();
    const all = () => true;
    expect(grownErrors(at(hopper(0, 0, 0)), at(hopper(2, 0, 0)), all)).toBe(
      "NVLink 0: 2 replay, NVLink 1: 2 replay",
    );
    expect(grownErrors(at(hopper(5, 0, 0)), at(hopper(0, 0, 0)), all)).toBeNull();
    expect(grownErrors(at(""), at(hopper(5, 0, 0)), all)).toBeNull();
  });

  it("are a fault when a link failed to recover since the answer before", () => {
    const watch = createNvlinkWatch();
    watch.takeErrors(head + blackwell(3), 0);
    expect(watch.fault(uuid)).toBeNull();
    watch.takeErrors(null, 1);
    watch.takeErrors(head + blackwell(4), 2);
    expect(watch.fault(uuid)).toBe("NVLink 4: 1 recovery failed");
    watch.takeErrors(head + blackwell(4), 3);
    expect(watch.fault(uuid)).toBeNull();
    watch.lose();
    expect(watch.measures(labels)).toEqual([]);
  });

  it("stay within bounds whatever is printed", () => {
    const line = fc.tuple(fc.nat(120), fc.constantFrom("CRC Errors", "__proto__", "Rx"), fc.integer());
    fc.assert(
      fc.property(fc.string(), fc.array(line, { maxLength: 300 }), (noise, lines) => {
        parseNvlinkErrors(noise);
        const text = lines.map(([link, name, count]) => `Link ${link}: ${name}: ${count}`).join("\n");
        for (const counters of (parseNvlinkErrors(head + text).get(uuid) ?? new Map()).values())
          for (const count of Object.values(counters)) expect(count).toBeGreaterThanOrEqual(0);
        expect(parseNvlinkErrors(head + text).get(uuid)?.size ?? 0).toBeLessThanOrEqual(64);
      }),
    );
  });
});
