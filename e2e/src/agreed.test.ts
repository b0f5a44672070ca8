import { rmSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { type Agreeing, startAgreeing } from "./agreeing.ts";

let agreeing: Agreeing | null = null;
afterEach(async () => {
  await agreeing?.stop();
});

describe("what one server alone agreed on", { timeout: 60_000 }, () => {
  it("outlives its being killed at once, and is empty once its disk was emptied", async () => {
    agreeing = await startAgreeing(1);
    const server = await agreeing.leader();
    for (let round = 0; round < 5; round += 1) {
      const told = await server.propose(`word${round}`);
      await server.program.kill("SIGKILL");
      expect(told).toMatchObject({ ok: true });
      server.start();
      await agreeing.settled((value) => value.endsWith(`word${round} `));
    }
    await server.program.kill("SIGKILL");
    rmSync(server.dataDir, { recursive: true });
    server.start();
    expect(await agreeing.settled(() => true)).toEqual({ value: "", stamp: "0.0", confirmed: true });
  });

  it("is refused, counted and unharmed when proposals come in a flood, are too long or are no text", async () => {
    agreeing = await startAgreeing(1);
    const server = await agreeing.leader();
    const flood = await Promise.all(Array.from({ length: 200 }, (_, index) => server.propose(`f${index}`)));
    const taken = flood.filter(({ ok }) => ok);
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.length).toBeLessThan(200);
    for (const outcome of flood) if (!outcome.ok) expect(outcome.code).toBe("PROPOSALS_FULL");
    expect(await server.propose("x".repeat(8 * 1024 + 1))).toMatchObject({
      ok: false,
      code: "AGREED_TOO_LONG",
    });
    const { value } = await agreeing.settled(() => true);
    const kept = value.trim().split(" ");
    const words = flood.flatMap(({ ok }, index) => (ok ? [`f${index}`] : []));
    expect(kept.sort()).toEqual(words.sort());
  });
});
