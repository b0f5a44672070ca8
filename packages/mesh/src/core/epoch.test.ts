import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compareEpochs,
  type ElectorKind,
  formatEpoch,
  generationAtLeast,
  kindOf,
  parseEpoch,
} from "./epoch.ts";

const kind = fc.constantFrom<ElectorKind>("standalone", "mesh", "etcd");
const number = fc.nat({ max: 1_000_000_000 });

describe("an epoch", () => {
  it("is ordered by its generation first: a low term of a new back end beats any term of the old one", () => {
    expect(compareEpochs({ generation: 2, term: 1 }, { generation: 1, term: 9_000 })).toBeGreaterThan(0);
    expect(compareEpochs({ generation: 1, term: 7 }, { generation: 1, term: 8 })).toBeLessThan(0);
    expect(compareEpochs({ generation: 1, term: 7 }, { generation: 1, term: 7 })).toBe(0);
  });

  it("reads back as it was written, and what is none is the lowest", () => {
    fc.assert(
      fc.property(number, number, (generation, term) => {
        expect(parseEpoch(formatEpoch({ generation, term }))).toEqual({ generation, term });
      }),
    );
    for (const text of ["", "3", "1.2.3", "-1.2", "1.x"])
      expect(parseEpoch(text)).toEqual({ generation: 0, term: 0 });
  });
});

describe("a generation", () => {
  it("names its back end, so two back ends never share one", () => {
    fc.assert(
      fc.property(number, kind, (floor, wanted) => {
        const generation = generationAtLeast(floor, wanted);
        expect(kindOf(generation)).toBe(wanted);
        expect(generation).toBeGreaterThanOrEqual(floor);
        expect(generation).toBeLessThan(floor + 3);
      }),
    );
  });

  it("rises with each change of the back end, there and back", () => {
    const mesh = generationAtLeast(0, "mesh");
    const etcd = generationAtLeast(mesh, "etcd");
    const back = generationAtLeast(etcd, "mesh");
    expect([mesh, etcd, back]).toEqual([1, 2, 4]);
    expect(generationAtLeast(etcd, "etcd")).toBe(etcd);
  });
});
