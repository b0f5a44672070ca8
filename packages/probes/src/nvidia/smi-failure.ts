import { clip } from "../judgement.ts";
import type { ProgramRun } from "../program-run.ts";
import { busKey } from "./bus-id.ts";

/** Why nvidia-smi gave no usable answer, for a person. */
export interface SmiFailure {
  readonly reason: string;
  readonly action: string;
}

const install = "Install the NVIDIA driver's tools, or name the program with the nvidia-smi setting.";
const reboot = "Drain the node and reboot it; if it happens again, have the GPU inspected.";
const driver = "Reload or reinstall the NVIDIA driver (dkms status, modprobe nvidia, dmesg | grep NVRM).";

/** NVIDIA's documented exit codes. */
const exitCodes: Readonly<Record<number, SmiFailure>> = {
  2: {
    reason: "an argument was refused",
    action: "The driver may be too old: 418 is the first that is supported.",
  },
  3: { reason: "the operation is not available on this device", action: "Run `nvidia-smi -q -x` by hand." },
  4: { reason: "no permission", action: "Let the agent's user read /dev/nvidia*." },
  6: { reason: "no GPU was found", action: "Compare with lspci -d 10de: and dmesg | grep NVRM." },
  8: { reason: "a GPU's external power cables are not connected", action: "Attach the power cables." },
  9: { reason: "the NVIDIA driver is not loaded", action: driver },
  10: { reason: "the kernel found an interrupt problem with a GPU", action: reboot },
  12: { reason: "the NVML library was not found", action: install },
  13: { reason: "the NVML library is older than nvidia-smi", action: "Reboot after the driver update." },
  14: { reason: "the infoROM of a GPU is corrupt", action: "Have the GPU inspected." },
  15: { reason: "a GPU fell off the bus or cannot be reached", action: reboot },
  255: { reason: "an internal driver error", action: driver },
};

const messages: readonly (readonly [RegExp, SmiFailure])[] = [
  [
    /driver\/library version mismatch/i,
    { reason: "driver and NVML library have different versions", action: "Reboot after the driver update." },
  ],
  [
    /couldn't communicate with the NVIDIA driver/i,
    { reason: "the NVIDIA driver does not answer", action: driver },
  ],
  [/GPU is lost|fallen off the bus/i, { reason: "a GPU is lost", action: reboot }],
  [
    /insufficient permissions/i,
    { reason: "no permission", action: "Let the agent's user read /dev/nvidia*." },
  ],
];

/** What a run that ended otherwise than with exit code 0 means. Its own words are added, shortened. */
export function explainRun(run: ProgramRun): SmiFailure {
  switch (run.kind) {
    case "missing":
      return { reason: "nvidia-smi is not installed", action: install };
    case "failed":
      return { reason: `nvidia-smi could not be run: ${run.reason}`, action: install };
    case "too_long":
      return {
        reason: `nvidia-smi printed more than ${run.limitBytes} bytes`,
        action: "Check that the program is nvidia-smi.",
      };
    case "timed_out":
      return {
        reason: `nvidia-smi gave no answer for ${Math.round(run.afterSeconds)} s and was killed`,
        action: "Look for NVRM lines in the kernel log; a driver that hangs often precedes a lost GPU.",
      };
    case "hung":
      return {
        reason: `nvidia-smi hangs in the driver for ${Math.round(run.forSeconds)} s and cannot be killed`,
        action: "The GPU driver hangs: drain the node and reboot it.",
      };
    case "exited":
      return explainExit(run.code, `${run.stdout}\n${run.stderr}`);
    default:
      return run satisfies never;
  }
}

function explainExit(code: number, output: string): SmiFailure {
  const known = messages.find(([pattern]) => pattern.test(output))?.[1] ?? exitCodes[code];
  const said = output.includes("<") ? "" : output.replace(/\s+/g, " ").trim();
  const quote = said === "" ? "" : `: ${clip(said, 300)}`;
  const ending = `nvidia-smi ended with exit code ${code}`;
  return known === undefined
    ? { reason: `${ending}${quote}`, action: "Run `nvidia-smi -q -x` on the host." }
    : { reason: `${known.reason} (${ending}${quote})`, action: known.action };
}

/** True when nvidia-smi itself says that there is no GPU, rather than failing to look. */
export function saysNoDevices(run: ProgramRun): boolean {
  return run.kind === "exited" && /no devices were found/i.test(`${run.stdout}\n${run.stderr}`);
}

const maxNamed = 64;

/** Bus ids of cards that messages outside the document call lost or unreachable. */
export function lostBusIds(text: string): string[] {
  const ids = text
    .split("\n")
    .filter((line) => /lost|fallen off|unable to determine the device handle/i.test(line))
    .flatMap((line) => line.match(/[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/gi) ?? []);
  return [...new Set(ids.map(busKey))].slice(0, maxNamed);
}
