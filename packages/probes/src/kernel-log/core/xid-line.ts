import { busKey } from "../../nvidia/bus-id.ts";

/** What the kernel log says of one error of a GPU (Xid) or of an NVSwitch (SXid). */
export interface XidLine {
  readonly kind: "xid" | "sxid";
  readonly code: number;
  /** As sysfs spells it: `0000:3b:00.0`. */
  readonly busId: string;
  /** `nvidia-nvswitch3` of an SXid; null for a GPU. */
  readonly device: string | null;
  readonly pid: number | null;
  readonly processName: string | null;
  /** The GPU instance of MIG that the error stayed within; null where the line names none. */
  readonly gpuInstance: number | null;
  /** The driver's own words, without code, process and bus id. */
  readonly text: string;
}

const pci = "(?:PCI:)?([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}(?:\\.[0-7])?)";
const xidShape = new RegExp(
  `^NVRM: Xid \\(${pci}(?: GPU-I:(\\d+))?\\): (\\d{1,5})(?:,\\s*|\\s|$)(.*)$`,
  "is",
);
const sxidShape = new RegExp(
  `^(nvidia-nvswitch\\d+):? SXid \\(${pci}\\): (\\d{1,5})(?:,\\s*|\\s|$)(.*)$`,
  "is",
);
/** Drivers that tell of a lost card without a number. */
const fellShape = new RegExp(`^NVRM: GPU (?:at )?${pci}: (GPU has fallen off the bus.*)$`, "is");
const identityShape = new RegExp(`^NVRM: GPU at ${pci}: (GPU-[0-9a-f-]{36})`, "i");
const fellCode = 79;
const maxTextLength = 300;

/** The error that a message tells of, in every shape that drivers since 2012 write; null for any other message. */
export function parseXidLine(message: string): XidLine | null {
  const xid = xidShape.exec(message);
  if (xid !== null) {
    const [, busId = "", instance, code, rest = ""] = xid;
    return {
      kind: "xid",
      code: Number(code),
      busId: busKey(busId),
      device: null,
      ...processOf(rest),
      gpuInstance: instance === undefined ? null : Number(instance),
    };
  }
  const sxid = sxidShape.exec(message);
  if (sxid !== null) {
    const [, device = "", busId = "", code, rest = ""] = sxid;
    // Two more lines follow the first, with registers for support.
    if (/^(severity \d|data \{)/i.test(rest)) return null;
    const nobody = { pid: null, processName: null, gpuInstance: null };
    return { kind: "sxid", code: Number(code), busId: busKey(busId), device, ...nobody, text: cut(rest) };
  }
  const fell = fellShape.exec(message);
  if (fell === null) return null;
  const nobody = { device: null, pid: null, processName: null, gpuInstance: null };
  return { kind: "xid", code: fellCode, busId: busKey(fell[1] ?? ""), ...nobody, text: cut(fell[2] ?? "") };
}

/** The line with which drivers say which card a bus id is, just before its first Xid. */
export function parseGpuIdentity(message: string): { readonly busId: string; readonly uuid: string } | null {
  const match = identityShape.exec(message);
  return match === null ? null : { busId: busKey(match[1] ?? ""), uuid: match[2] ?? "" };
}

/** Drivers before about 450 name no process; `pid='<unknown>'` is none either. */
function processOf(rest: string): Pick<XidLine, "pid" | "processName" | "text"> {
  const pid = /^pid='?(\d{1,10}|<unknown>)'?(?:,\s*|$)/.exec(rest);
  const afterPid = pid === null ? rest : rest.slice(pid[0].length);
  // A process may have a comma in its name, but not one with a blank behind it that matters here.
  const name = /^name=(.*?)(?:,\s+|$)/s.exec(afterPid);
  const said = name?.[1] ?? "";
  return {
    pid: pid === null || pid[1] === "<unknown>" ? null : Number(pid[1]),
    processName: said === "" || said === "<unknown>" ? null : said.slice(0, 64),
    text: cut(name === null ? afterPid : afterPid.slice(name[0].length)),
  };
}

function cut(text: string): string {
  return text.trim().slice(0, maxTextLength);
}
