/** What to do about an error, from nothing to the screwdriver. */
export type ErrorAction = "ignore" | "restart_app" | "reset_gpu" | "reboot" | "inspect_hardware";

/** How bad an error is: `info` leaves the host fit, `warning` ends a job, `error` needs a reset, `critical` a reboot or hands. */
export type ErrorSeverity = "info" | "warning" | "error" | "critical";

export interface XidEntry {
  readonly code: number;
  /** In our own words, as part of a sentence. */
  readonly name: string;
  readonly action: ErrorAction;
  /** What to do beyond the action's own words; absent where those say it all. */
  readonly advice?: string;
}

const severities: Readonly<Record<ErrorAction, ErrorSeverity>> = {
  ignore: "info",
  restart_app: "warning",
  reset_gpu: "error",
  reboot: "critical",
  inspect_hardware: "critical",
};

export function severityOf(action: ErrorAction): ErrorSeverity {
  return severities[action];
}

/** Advice of each action, for a person who is tired. */
export const actionTexts: Readonly<Record<ErrorAction, string>> = {
  ignore: "Nothing to do; an error beside it, if there is one, says what happened.",
  restart_app: "Restart the application; if it happens with other applications too, have the GPU inspected.",
  reset_gpu: "Drain the GPU and reset it (nvidia-smi --gpu-reset -i BUS_ID), or reboot the host.",
  reboot: "Drain the node and reboot it; if it happens again, have the hardware inspected.",
  inspect_hardware: "Drain the node and have the hardware inspected.",
};

const again = "If it comes back, have the GPU inspected.";
const updateDriver = "If it comes back, update the driver and firmware.";

function entry(code: number, name: string, action: ErrorAction, advice?: string): XidEntry {
  return { code, name, action, ...(advice === undefined ? {} : { advice }) };
}

function engines(codes: readonly number[], name: string, first: number): XidEntry[] {
  return codes.map((code, index) => entry(code, `error in ${name} ${first + index}`, "restart_app"));
}

/**
 * The errors that NVIDIA publishes (Xid catalogue, 2025): what is to be done first comes from its resolution buckets; where it
 * gives none, the action is ours and the safer of two. The words are ours.
 */
const entries: readonly XidEntry[] = [
  entry(8, "a channel stayed idle for too long", "restart_app"),
  entry(11, "a command that this GPU does not know", "restart_app"),
  entry(13, "the graphics engine refused what a program did", "restart_app"),
  entry(25, "an illegal notification from a program", "restart_app"),
  entry(31, "a program touched memory that is not its own", "restart_app"),
  entry(32, "a corrupt command stream", "restart_app"),
  entry(37, "a method that the firmware does not know", "ignore"),
  entry(38, "the context switch firmware was slow", "ignore", updateDriver),
  ...engines([39, 40, 41, 70, 71, 72, 75, 76, 77, 85], "copy engine", 0),
  entry(43, "a program's channel was reset", "ignore"),
  entry(44, "a fault while switching contexts", "ignore", again),
  entry(
    45,
    "a program's work was taken off the GPU",
    "restart_app",
    "Often follows another error: look at that first.",
  ),
  entry(46, "the GPU stopped working", "reset_gpu", again),
  entry(48, "a memory error of two bits that ECC could not correct", "reset_gpu", again),
  entry(
    54,
    "too little auxiliary power, so clocks are cut",
    "inspect_hardware",
    "Check the power cables of the card.",
  ),
  entry(60, "error in the security processor", "restart_app", updateDriver),
  entry(62, "the power management unit halted", "reset_gpu", again),
  entry(
    63,
    "a bad memory row was noted for remapping, or a page retired",
    "ignore",
    "It takes effect at the next reset.",
  ),
  entry(64, "a bad memory row could not be remapped, or a page not retired", "reset_gpu", again),
  entry(66, "the context switch firmware touched a wrong register", "ignore", updateDriver),
  entry(67, "the context switch firmware failed its own check", "ignore", again),
  entry(68, "error in video decoder 0", "restart_app"),
  entry(69, "the graphics engine refused a class of commands", "restart_app"),
  entry(
    74,
    "NVLink error",
    "reset_gpu",
    "If it comes back on the same link, have the link's both ends inspected.",
  ),
  entry(
    78,
    "a virtual GPU could not be started",
    "restart_app",
    "Make the driver versions of host and guest fit.",
  ),
  entry(
    79,
    "the GPU fell off the bus",
    "reboot",
    "If it falls off again, have card, riser and power inspected.",
  ),
  entry(80, "corrupt data pushed to the GPU", "restart_app"),
  entry(82, "error in JPEG engine 0", "restart_app"),
  ...engines([83, 84, 88, 89, 96, 97, 98], "video decoder", 1),
  entry(86, "error in the optical flow engine", "restart_app"),
  entry(92, "many memory errors that ECC corrected", "ignore", again),
  entry(93, "the infoROM was written too often", "ignore", again),
  entry(
    94,
    "a memory error contained in one program",
    "restart_app",
    "The others on this GPU go on; reset it when drained.",
  ),
  entry(95, "a memory error that was not contained", "reset_gpu", "Everything that ran on the GPU is lost."),
  ...engines([99, 100, 101, 102, 103, 104, 105], "JPEG engine", 1),
  entry(106, "a test message of the management bus", "ignore"),
  entry(107, "a silent test message of the management bus", "ignore"),
  entry(109, "a context switch timed out", "reset_gpu"),
  entry(110, "a security fault", "reset_gpu", updateDriver),
  entry(119, "the GPU's own processor (GSP) did not answer", "reset_gpu", updateDriver),
  entry(120, "the GPU's own processor (GSP) failed", "reset_gpu", updateDriver),
  entry(121, "an error on the link to the CPU that was corrected", "ignore", again),
  ...engines([126, 127, 128, 129, 130, 131, 132, 133, 134, 135], "copy engine", 10),
  entry(
    136,
    "an NVLink could not be trained",
    "reset_gpu",
    "If it comes back, have the link's both ends inspected.",
  ),
  entry(137, "an NVLink peer was refused access", "ignore", "Look at the program on the other GPU."),
  entry(139, "error in optical flow engine 1", "restart_app"),
  entry(140, "ECC found errors that it could not correct", "reset_gpu", again),
  entry(141, "error in the fast path of a channel", "ignore", again),
  entry(142, "error in video encoder 3", "inspect_hardware"),
  entry(143, "the GPU could not be initialised", "reset_gpu", again),
  ...["SAW", "RLW", "TLW", "TREX", "NVLPW control", "NETIR", "MSE"].map((part, index) =>
    entry(
      144 + index,
      `NVLink 5 error in ${part}`,
      "reset_gpu",
      "If it comes back, have the link's both ends inspected.",
    ),
  ),
  entry(151, "the keys of a channel could not be rotated", "reboot", "A guest: restart the virtual machine."),
  entry(152, "memory fault of the deep learning accelerator", "ignore", again),
  entry(153, "the deep learning accelerator timed out", "ignore", again),
  entry(
    154,
    "the driver changed what it wants done",
    "ignore",
    "Its own words say what; another error says why.",
  ),
  entry(155, "NVLink error told by software", "reset_gpu"),
  entry(156, "a part of the GPU was retired", "reset_gpu"),
  entry(157, "a part of the GPU could not be retired", "ignore", again),
  entry(158, "a fatal timeout", "reset_gpu", again),
  entry(159, "the coherent link of a channel failed", "restart_app"),
  entry(160, "a memory channel was retired", "ignore"),
  entry(161, "a memory channel could not be retired", "ignore", again),
  entry(162, "power smoothing works again", "ignore"),
  entry(163, "power smoothing stopped", "ignore"),
  entry(164, "power smoothing hardware is nearly worn out", "ignore", "Plan its replacement."),
  entry(165, "power smoothing hardware is worn out", "inspect_hardware"),
  entry(166, "NVLink encryption failed", "reset_gpu"),
  entry(167, "a fatal PCIe timeout", "reboot"),
  entry(168, "the GPU has less memory than it should", "inspect_hardware"),
  entry(169, "the security processor halted", "reset_gpu"),
  entry(170, "NVLink security error", "reset_gpu"),
  entry(171, "a DRAM error that could not be corrected", "reset_gpu", again),
  entry(172, "an SRAM error that could not be corrected", "reset_gpu", again),
];

const byCode: ReadonlyMap<number, XidEntry> = new Map(entries.map((item) => [item.code, item]));

/** Every catalogued error, by code. */
export const xidCatalog: readonly XidEntry[] = [...entries].sort((a, b) => a.code - b.code);

/** The entry of a code; null for one that is not catalogued. */
export function xidEntry(code: number): XidEntry | null {
  return byCode.get(code) ?? null;
}
