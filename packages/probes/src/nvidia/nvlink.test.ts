import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNvlinkWatch, parseNvlinks } from "./nvlink.ts";

const uuid = "GPU-00000000-0000-0000-0000-000000000000";
const head = `GPU 0: NVIDIA H100 80GB HBM3 (UUID: ${uuid})\n`;
const links = (...states: string[]) =>
  head + states.map((state, index) => `\t Link ${index}: ${state}\n`).join("");
const up = "26.562 GB/s";

describe("NVLinks", () => {
  it("are read as the driver lists them, with their speed", () => {
    const watch = createNvlinkWatch();
    watch.take(links(up, up, "<inactive>"), 1000);
    const measures = watch.measures({ gpu: "0", uuid });
    expect(measures.map(({ value }) => value)).toEqual([1, 1, 0, 53.124e9]);
    expect(measures[0]).toMatchObject({ name: "gpu_nvlink_active", labels: { link: "0" }, observedAt: 1000 });
  });

  it("are a fault only when they were up before", () => {
    const watch = createNvlinkWatch();
    watch.take(links(up, up, "<inactive>"), 0);
    expect(watch.fault(uuid)).toBeNull();
    watch.take(links("<inactive>", up, "<inactive>"), 1);
    expect(watch.fault(uuid)).toBe("NVLink 0 went down");
    watch.take(links(up, up, "<inactive>"), 2);
    expect(watch.fault(uuid)).toBeNull();
  });

  it("are not asked for where there are none, and an answer that failed leaves none behind", () => {
    for (const words of [
      "Device does not have or support Nvlink",
      "Nvlink queries are not supported for Devices in MIG mode",
    ]) {
      const watch = createNvlinkWatch();
      expect(watch.worthAsking).toBe(true);
      watch.take(`${head}${words}\n`, 0);
      expect(watch.worthAsking).toBe(false);
    }
    const watch = createNvlinkWatch();
    watch.take(links(up), 0);
    watch.lose();
    expect([watch.measures({ gpu: "0", uuid }), watch.fault(uuid), watch.worthAsking]).toEqual([
      [],
      null,
      true,
    ]);
  });

  it("stay within bounds whatever is printed", () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.nat(200), { maxLength: 300 }), (noise, numbers) => {
        parseNvlinks(noise);
        const parsed = parseNvlinks(head + numbers.map((link) => `Link ${link}: ${up}`).join("\n"));
        expect(parsed.get(uuid)?.length).toBeLessThanOrEqual(64);
      }),
    );
  });
});
