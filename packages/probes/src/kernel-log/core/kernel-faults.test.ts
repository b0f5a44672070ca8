import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createGpuRoster } from "../../nvidia/gpu-roster.ts";
import { createKernelFaults, type KernelFaults, type KernelMemory } from "./kernel-faults.ts";

const hour = 3600;

/** A host whose log is written and read line by line, at a time of its own. */
function host(bootId = "boot-1", saved: KernelMemory | null = null, roster = createGpuRoster()) {
  const faults = createKernelFaults(bootId, roster, saved);
  let position = 0;
  faults.settle(0);
  const write = (at: number, ...messages: string[]): void => {
    for (const message of messages) {
      position += 1;
      faults.take({ position: `${bootId}-${position}`, bootId, at, message }, at);
    }
    faults.settle(at);
  };
  return { faults, write, roster };
}

const xid = (code: number, bus = "3b", text = "words") =>
  `NVRM: Xid (PCI:0000:${bus}:00): ${code}, pid=1, ${text}`;
const told = (faults: KernelFaults, at: number) => faults.errors(at).map(({ gpu, xid }) => [gpu, xid]);
const kept = (faults: KernelFaults, at: number) => faults.gpuFaults(at).map(({ key, count }) => [key, count]);

describe("errors of GPUs", () => {
  it("are told once while they go on, and every line is counted", () => {
    const { faults, write } = host();
    for (let at = 0; at < 300; at += 6) write(at, xid(119));
    expect(told(faults, 300)).toEqual([["0000:3b:00.0", 119]]);
    expect(faults.errorCounts()).toEqual([{ kind: "xid", busId: "0000:3b:00.0", code: "119", count: 50 }]);
    write(601, xid(119));
    expect(told(faults, 601)).toHaveLength(2);
  });

  it("of another card or another code are news of their own", () => {
    const { faults, write } = host();
    write(1, xid(48), xid(48, "af"), xid(63), xid(48));
    expect(told(faults, 1)).toEqual([
      ["0000:3b:00.0", 48],
      ["0000:af:00.0", 48],
      ["0000:3b:00.0", 63],
    ]);
  });

  it("stay a fault until their window is over: minutes for a program's, a day for a card's, a week for the bus", () => {
    const { faults, write } = host();
    write(0, xid(31), xid(119), xid(79));
    expect(faults.gpuFaults(599)).toHaveLength(3);
    expect(kept(faults, 601).map(([key]) => key)).toEqual(["xid/0000:3b:00.0/119", "xid/0000:3b:00.0/79"]);
    expect(kept(faults, 25 * hour).map(([key]) => key)).toEqual(["xid/0000:3b:00.0/79"]);
    expect(faults.gpuFaults(8 * 24 * hour)).toEqual([]);
  });

  it("end when the driver is loaded again, which a lost card does not survive", () => {
    const { faults, write } = host();
    write(0, xid(119), xid(79, "af"));
    write(5, "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.54.03");
    expect(kept(faults, 5)).toEqual([["xid/0000:af:00.0/79", 1]]);
  });

  it("end when the driver wants nothing done with the card any more", () => {
    const { faults, write } = host();
    write(0, xid(119), xid(119, "af"));
    write(9, xid(154, "3b", "GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)"));
    expect(kept(faults, 9).map(([key]) => key)).toEqual(["xid/0000:af:00.0/119", "xid/0000:3b:00.0/154"]);
  });

  it("end when nvidia-smi, well after, says that the driver wants nothing done", () => {
    const { faults, write, roster } = host();
    write(0, xid(119));
    const card = { busId: "00000000:3B:00.0", index: 0, uuid: "GPU-1" };
    roster.update({ ...card, recoveryAction: null, seenAt: 30 });
    faults.settle(31);
    expect(faults.gpuFaults(31)).toHaveLength(1);
    roster.update({ ...card, recoveryAction: "Reset", seenAt: 90 });
    faults.settle(91);
    expect(faults.gpuFaults(91)).toHaveLength(1);
    roster.update({ ...card, recoveryAction: null, seenAt: 120 });
    faults.settle(121);
    expect(faults.gpuFaults(121)).toEqual([]);
  });

  it("end when an operator says so in the log, and are news if they come back", () => {
    const { faults, write } = host();
    write(0, xid(79), xid(79, "af"));
    write(1, "ringrift: cleared 0000:3b:00");
    expect(kept(faults, 1)).toEqual([["xid/0000:af:00.0/79", 1]]);
    write(2, xid(79));
    expect(told(faults, 2)).toHaveLength(3);
    write(3, "ringrift: cleared all");
    expect(faults.gpuFaults(3)).toEqual([]);
  });

  it("that were over before they were read are counted and not told", () => {
    const { faults } = host();
    faults.take({ position: "1", bootId: "boot-1", at: 0, message: xid(31) }, 5 * hour);
    faults.take({ position: "2", bootId: "boot-1", at: 0, message: xid(119) }, 5 * hour);
    faults.take({ position: "3", bootId: "boot-1", at: 1, message: "ringrift: cleared all" }, 5 * hour);
    faults.settle(5 * hour);
    expect(told(faults, 5 * hour)).toEqual([]);
    expect(faults.errorCounts()).toHaveLength(2);
  });

  it("are told at most twenty times a minute, and the rest is counted", () => {
    const { faults, write } = host();
    for (let bus = 16; bus < 46; bus += 1) write(1, xid(79, bus.toString(16)));
    expect(faults.news.gpu).toBe(20);
    expect(faults.untold).toBe(10);
    expect(faults.gpuFaults(1)).toHaveLength(30);
  });

  it("have a bounded number of series, whatever is written", () => {
    const { faults } = host();
    for (let code = 0; code < 5000; code += 1)
      faults.take({ position: String(code), bootId: "boot-1", at: 1, message: xid(code) }, 1);
    const counts = faults.errorCounts();
    expect(counts.length).toBeLessThanOrEqual(256);
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(5000);
    expect(faults.gpuFaults(1).length).toBeLessThanOrEqual(256);
  });
});

describe("a restart of the agent", () => {
  it("keeps faults, counts and errors, and marks the errors as told", () => {
    const first = host();
    first.write(0, xid(79));
    const second = host("boot-1", first.faults.memory());
    expect(second.faults.errors(1)).toMatchObject([{ xid: 79, toldBefore: true }]);
    expect(kept(second.faults, 1)).toEqual([["xid/0000:3b:00.0/79", 1]]);
    expect(second.faults.errorCounts()).toMatchObject([{ count: 1 }]);
  });

  it("tells of a line that was written meanwhile, though it repeats an old one", () => {
    const first = host();
    first.write(0, xid(79));
    const second = host("boot-1", first.faults.memory());
    second.write(2, xid(79));
    expect(second.faults.errors(2).map(({ toldBefore }) => toldBefore)).toEqual([true, false]);
  });
});

describe("a reboot", () => {
  it("ends every fault, and errors keep the boot they belong to", () => {
    const first = host();
    first.write(0, xid(79), "INFO: task kworker:1 blocked for more than 120 seconds.");
    const second = host("boot-2", first.faults.memory());
    expect(second.faults.gpuFaults(1)).toEqual([]);
    expect(second.faults.hostFaults(1)).toEqual([]);
    expect(second.faults.errors(1)).toMatchObject([{ xid: 79, bootId: "boot-1" }]);
  });

  it("that did not help, twice, asks for hands instead of another one", () => {
    let memory: KernelMemory | null = null;
    for (const [index, bootId] of ["boot-1", "boot-2", "boot-3"].entries()) {
      const { faults, write } = host(bootId, memory);
      write(index * hour, xid(79));
      memory = faults.memory();
      expect(faults.gpuFaults(index * hour)[0]?.action).toBe(index < 2 ? "reboot" : "inspect_hardware");
    }
  });
});

describe("faults of the host", () => {
  it("begin at their number of lines: one link that goes down is none, three in ten minutes are", () => {
    const { faults, write } = host();
    const down = "e1000e 0000:00:1f.6 eth0: NIC Link is Down";
    write(0, down, down);
    expect(faults.news.host).toBe(0);
    write(10, down);
    expect(faults.news.host).toBe(1);
    expect(faults.hostFaults(10)).toMatchObject([{ subject: "eth0", count: 3, needed: 3 }]);
    expect(faults.kindCounts().link_down).toBe(3);
    expect(faults.hostFaults(700)).toEqual([]);
  });

  it("of a file system that became read-only end when it is mounted again", () => {
    const { faults, write } = host();
    write(0, "EXT4-fs (sda1): Remounting filesystem read-only");
    expect(faults.hostFaults(9)).toHaveLength(1);
    write(10, "EXT4-fs (sda1): mounted filesystem with ordered data mode r/w");
    expect(faults.hostFaults(10)).toEqual([]);
  });
});

describe("any sequence of lines", () => {
  const message = fc.oneof(
    fc
      .tuple(fc.constantFrom(13, 31, 48, 63, 79, 119, 154), fc.constantFrom("3b", "af"))
      .map(([code, bus]) => xid(code, bus)),
    fc.constantFrom(
      "ringrift: cleared all",
      "NVRM: loading NVIDIA UNIX x86_64 Kernel Module",
      "Out of memory: Killed process 1 (python) total-vm",
      "noise",
    ),
    fc.string(),
  );
  it("counts each error once, and goes on after a restart as if there had been none", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(message, fc.nat(900)), { maxLength: 40 }), fc.nat(40), (lines, cut) => {
        const whole = host();
        let halves = host();
        let at = 0;
        for (const [index, [text, gap]] of lines.entries()) {
          at += gap;
          if (index === cut) halves = host("boot-1", JSON.parse(JSON.stringify(halves.faults.memory())));
          whole.write(at, text);
          halves.write(at, text);
        }
        expect(halves.faults.errorCounts()).toEqual(whole.faults.errorCounts());
        expect(kept(halves.faults, at)).toEqual(kept(whole.faults, at));
        expect(halves.faults.kindCounts()).toEqual(whole.faults.kindCounts());
      }),
    );
  });
});
