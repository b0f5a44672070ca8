import type { Fault } from "./fault-book.ts";
import { actionTexts, type ErrorAction, severityOf, xidEntry } from "./xid-catalog.ts";
import type { XidLine } from "./xid-line.ts";

const minute = 60;
const day = 86_400;

/** How long a fault stays told after its last line, unless a reset or a reboot ends it before. */
const windowsSeconds: Readonly<Record<ErrorAction, number>> = {
  ignore: 10 * minute,
  restart_app: 10 * minute,
  reset_gpu: day,
  reboot: 7 * day,
  inspect_hardware: 7 * day,
};

const recoveryChange = 154;

/** What one error line means: the fault it stands for, with what to do. */
export function gpuFault(line: XidLine): Fault {
  const { action, advice, title } = line.kind === "sxid" ? switchMeaning(line) : gpuMeaning(line);
  const where = line.device === null ? line.busId : `${line.device} (${line.busId})`;
  const who = line.processName === null ? "" : `, process ${line.processName}${pidText(line)}`;
  const said = line.text === "" ? "" : `: ${line.text}`;
  const inside = line.gpuInstance === null ? "" : ` in GPU instance ${line.gpuInstance}`;
  return {
    key: `${line.kind}/${line.busId}/${line.code}`,
    subject: line.busId,
    severity: severityOf(action),
    action,
    reason: `${where}${inside}: ${title}${who}${said}`,
    advice: advice === undefined ? actionTexts[action] : `${actionTexts[action]} ${advice}`,
    windowSeconds: windowsSeconds[action],
    needed: 1,
  };
}

function pidText({ pid }: XidLine): string {
  return pid === null ? "" : ` (pid ${pid})`;
}

interface Meaning {
  readonly action: ErrorAction;
  readonly title: string;
  readonly advice?: string | undefined;
}

function gpuMeaning(line: XidLine): Meaning {
  const entry = xidEntry(line.code);
  if (entry === null)
    return {
      action: "restart_app",
      title: `Xid ${line.code} (not in the catalogue)`,
      advice: `Xid ${line.code} is newer or rarer than this version knows; look it up at NVIDIA.`,
    };
  const title = `Xid ${entry.code}, ${entry.name}`;
  const told = line.code === recoveryChange ? recoveryAction(line.text) : null;
  // From Blackwell on, NVLink errors say themselves whether they broke anything.
  const harmless = entry.code >= 144 && entry.code <= 150 && /\bnon-?fatal\b/i.test(line.text);
  return { action: told ?? (harmless ? "ignore" : entry.action), title, advice: entry.advice };
}

function switchMeaning(line: XidLine): Meaning {
  const title = `SXid ${line.code}`;
  if (/^non-?fatal\b/i.test(line.text)) return { action: "ignore", title: `${title}, not fatal` };
  if (/^fatal\b/i.test(line.text))
    return {
      action: "reset_gpu",
      title: `${title}, fatal`,
      advice: "An NVSwitch failed: reset all GPUs and switches of the node together, or reboot it.",
    };
  return {
    action: "restart_app",
    title: `${title}, of unknown weight`,
    advice: "Look the code up at NVIDIA.",
  };
}

/** What the driver wants done, from `… changed from 0x0 (None) to 0x1 (GPU Reset Required)`; null for other texts. */
export function recoveryAction(text: string): ErrorAction | null {
  const wanted = /\bto 0x[0-9a-f]+ \(([^)]*)\)/i.exec(text)?.[1];
  if (wanted === undefined) return null;
  if (/reboot/i.test(wanted)) return "reboot";
  if (/reset|flr|drain/i.test(wanted)) return "reset_gpu";
  return /none/i.test(wanted) ? "ignore" : null;
}

/** True when the driver says that the card needs nothing more: it was reset. */
export function tellsRecovered(line: XidLine): boolean {
  return line.kind === "xid" && line.code === recoveryChange && recoveryAction(line.text) === "ignore";
}
