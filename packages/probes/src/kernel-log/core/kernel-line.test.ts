import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJournalEntry } from "./journal-entry.ts";
import { wallTime } from "./kernel-line.ts";
import { parseKmsgRecord } from "./kmsg-record.ts";
import { parseTextLine } from "./text-line.ts";

const now = { wall: Date.UTC(2026, 0, 2) / 1000, monotonic: 10_000 };
const xid = "NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.";

describe("a record of /dev/kmsg", () => {
  it("is its number, its time and its message, without properties", () => {
    expect(
      parseKmsgRecord(`11,371,1648605162,-;${xid}\n SUBSYSTEM=pci\n DEVICE=+pci:0000:3b:00.0\n`),
    ).toEqual({
      sequence: 371,
      microseconds: 1648605162,
      message: xid,
    });
    expect(parseKmsgRecord("6,1,2,-,caller=T12;a\\x0ab; c\n")?.message).toBe("a\nb; c");
    expect(parseKmsgRecord("nothing of the kind")).toBeNull();
  });

  it("never has a time to come", () => {
    expect(wallTime(9_000, now)).toBe(now.wall - 1000);
    expect(wallTime(12_000, now)).toBe(now.wall);
  });
});

describe("a line of a file", () => {
  const dated = "2026-01-01T12:00:00";
  const noon = Date.UTC(2026, 0, 1, 12) / 1000;
  it.each([
    ["its message alone", xid, null],
    ["with a level", `<3>${xid}`, null],
    ["as dmesg prints it", `[ 9900.000000] ${xid}`, now.wall - 100],
    ["as dmesg -r prints it", `<3>[ 9900.000000] ${xid}`, now.wall - 100],
    ["as /dev/kmsg gives it", `3,371,9900000000,-;${xid}`, now.wall - 100],
    ["of dmesg in ISO time", `${dated},123456+00:00 ${xid}`, noon],
    ["of rsyslog", `${dated}.123456+00:00 gpu-7 kernel: [ 9900.000000] ${xid}`, noon],
    ["of rsyslog without stamp", `${dated}Z gpu-7 kernel: ${xid}`, noon],
    ["of dmesg -T", `[Thu Jan  1 12:00:00 2026] ${xid}`, new Date(2026, 0, 1, 12).getTime() / 1000],
    [
      "of syslog",
      `Jan  1 12:00:00 gpu-7 kernel: [ 9900.0] ${xid}`,
      new Date(2026, 0, 1, 12).getTime() / 1000,
    ],
    [
      "of syslog last year",
      `Dec 31 12:00:00 gpu-7 kernel: ${xid}`,
      new Date(2025, 11, 31, 12).getTime() / 1000,
    ],
  ])("%s", (_, text, at) => {
    expect(parseTextLine(text, now)).toEqual({ at, message: xid });
  });

  it("is never refused, and its time is a number or none", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { at } = parseTextLine(text, now);
        expect(at === null || Number.isFinite(at)).toBe(true);
        parseKmsgRecord(text);
        parseJournalEntry(text);
      }),
    );
  });
});

describe("an entry of the journal", () => {
  const fields = {
    __CURSOR: "s=1;i=2;b=3",
    _BOOT_ID: "1a2112ab6343415ead5ae621e3f7f224",
    __REALTIME_TIMESTAMP: "1767268800000000",
    MESSAGE: xid,
  };
  it("has the boot id as the kernel spells it", () => {
    expect(parseJournalEntry(JSON.stringify(fields))).toEqual({
      position: "s=1;i=2;b=3",
      bootId: "1a2112ab-6343-415e-ad5a-e621e3f7f224",
      at: 1767268800,
      message: xid,
    });
  });
  it("may hold its message as bytes", () => {
    const bytes = { ...fields, MESSAGE: [...new TextEncoder().encode("é Xid")] };
    expect(parseJournalEntry(JSON.stringify(bytes))?.message).toBe("é Xid");
  });
  it("that a process wrote has its beginning back, so that nobody else's words pass for the driver's", () => {
    const written = { ...fields, SYSLOG_IDENTIFIER: "NVRM", MESSAGE: xid.slice("NVRM: ".length) };
    expect(parseJournalEntry(JSON.stringify(written))?.message).toBe(xid);
    const quoted = { ...fields, SYSLOG_IDENTIFIER: "systemd", SYSLOG_PID: "1" };
    expect(parseJournalEntry(JSON.stringify(quoted))?.message).toBe(`systemd[1]: ${xid}`);
    const kernel = { ...fields, SYSLOG_IDENTIFIER: "kernel" };
    expect(parseJournalEntry(JSON.stringify(kernel))?.message).toBe(xid);
  });
  it("is none without message, cursor or boot", () => {
    for (const key of ["MESSAGE", "__CURSOR", "_BOOT_ID"])
      expect(parseJournalEntry(JSON.stringify({ ...fields, [key]: null }))).toBeNull();
    for (const text of ["", "{", "null", "[]", "7"]) expect(parseJournalEntry(text)).toBeNull();
  });
});
