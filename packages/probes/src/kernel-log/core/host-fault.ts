import type { Fault } from "./fault-book.ts";
import type { ErrorAction, ErrorSeverity } from "./xid-catalog.ts";

/** Kinds of faults of the host that the kernel log tells of; each is one series of a metric. */
export const hostFaultKinds = [
  "oom_kill",
  "io_error",
  "filesystem_error",
  "read_only",
  "hung_task",
  "cpu_stall",
  "kernel_bug",
  "pcie_corrected",
  "pcie_uncorrected",
  "link_down",
  "memory_corrected",
  "machine_check",
  "overheating",
  "gpu_driver",
] as const;
export type HostFaultKind = (typeof hostFaultKinds)[number];

interface Pattern {
  readonly kind: HostFaultKind;
  /** The first group is the thing it is about. */
  readonly shapes: readonly RegExp[];
  readonly severity: ErrorSeverity;
  readonly action: ErrorAction;
  readonly what: string;
  readonly advice: string;
  readonly windowSeconds: number;
  readonly needed?: number;
}

const minute = 60;
const hour = 3600;
const day = 86_400;
const checkDisk = "Check the drive (smartctl -a, nvme smart-log), its cable and controller; move the data.";
const checkSlot = "Reseat the card, check its riser and cable; look for the device's own errors beside it.";
const inspect = "Drain the node and have memory and processors inspected (rasdaemon, ipmitool sel list).";

/** In order: the first that fits is taken. Shapes are those of Linux 4.x to 6.x. */
const patterns: readonly Pattern[] = [
  {
    kind: "oom_kill",
    shapes: [
      /^(?:Memory cgroup out of memory|Out of memory)(?: \([^)]*\))?: Kill(?:ed)? process \d+ \(([^)]*)\)/,
      /^oom-kill:.*,task=([^,]+),/,
    ],
    severity: "warning",
    action: "restart_app",
    what: "killed for want of memory",
    advice: "Give the job more memory or let it use less; look at what else runs here.",
    windowSeconds: 10 * minute,
  },
  {
    kind: "read_only",
    shapes: [
      /^EXT4-fs \(([^)]+)\): Remounting filesystem read-only/,
      /^BTRFS (?:info|error|warning|critical) \(device ([^):\s]+)[^)]*\): .*forced readonly/,
      /^XFS \(([^)]+)\): .*(?:Shutting down filesystem|filesystem shut down)/i,
      /^F2FS-fs \(([^)]+)\): .*read-only/,
    ],
    severity: "critical",
    action: "inspect_hardware",
    what: "the file system can no longer be written",
    advice: `Drain the node. ${checkDisk} Then check the file system and mount it again.`,
    windowSeconds: day,
  },
  {
    kind: "filesystem_error",
    shapes: [
      /^EXT4-fs error \(device ([^)]+)\)/,
      /^XFS \(([^)]+)\): (?:Corruption|Metadata corruption|metadata I\/O error|log I\/O error)/i,
      /^BTRFS (?:error|critical) \(device ([^):\s]+)[^)]*\)/,
    ],
    severity: "error",
    action: "inspect_hardware",
    what: "the file system is damaged",
    advice: `Unmount and check it. ${checkDisk}`,
    windowSeconds: 6 * hour,
  },
  {
    kind: "io_error",
    shapes: [
      /^(?:blk_update_request: |print_req_error: )?(?:I\/O|critical (?:medium|target|nexus)|protection) error, dev ([\w.-]+)/,
      /^Buffer I\/O error on dev(?:ice)? ([\w.-]+)/,
      /^(?:nvme )?(nvme\d+)(?:n\d+)?: (?:I\/O (?:tag )?\d+.*timeout|controller is down|Device not ready|Disabling device|Removing after probe failure)/,
      /^(?:sd|ata)\S* (?:[\d:]+: )?(?:\[(\w+)\] )?.*(?:Unrecovered read error|Medium Error|failed command)/i,
    ],
    severity: "warning",
    action: "inspect_hardware",
    what: "reads or writes fail",
    advice: checkDisk,
    windowSeconds: hour,
  },
  {
    kind: "hung_task",
    shapes: [/^INFO: task (\S+?):\d+ blocked(?: in I\/O wait)? for more than \d+ seconds/],
    severity: "warning",
    action: "reboot",
    what: "a task waits without end in the kernel",
    advice: "Look at the disk, network mount or driver that it waits for; only a reboot ends such a task.",
    windowSeconds: 15 * minute,
  },
  {
    kind: "cpu_stall",
    shapes: [
      /^watchdog: BUG: soft lockup - (CPU#\d+) stuck/,
      /^(?:rcu: )?INFO: (rcu\w*) (?:self-)?detected (?:expedited )?stalls?/,
      /^(?:NMI )?watchdog: Watchdog detected hard LOCKUP on (cpu \d+)/i,
    ],
    severity: "error",
    action: "reboot",
    what: "a processor made no progress",
    advice: "Look at the stack below it in dmesg; update firmware and kernel, and reboot if it comes back.",
    windowSeconds: 15 * minute,
  },
  {
    kind: "kernel_bug",
    shapes: [
      /^(BUG: (?:kernel NULL pointer dereference|unable to handle|Bad page|scheduling while atomic))/,
      /^(kernel BUG at \S+)/,
      /^(Oops): /,
      /^(?:Oops: )?(general protection fault)/,
    ],
    severity: "critical",
    action: "reboot",
    what: "the kernel ran into a fault of its own",
    advice: "Save dmesg, drain the node and reboot it; update the kernel or the module that dmesg names.",
    windowSeconds: 7 * day,
  },
  {
    kind: "pcie_uncorrected",
    shapes: [
      /AER: (?:Multiple )?(?:Uncorrected|Uncorrectable) \([\w-]+\) error(?: message)? received(?:: | from )([0-9a-f:.]+)/i,
      /^\S+ ([0-9a-f:.]+): (?:AER: )?PCIe Bus Error: severity=Uncorrect/i,
    ],
    severity: "error",
    action: "inspect_hardware",
    what: "PCIe errors that were not corrected",
    advice: checkSlot,
    windowSeconds: hour,
  },
  {
    kind: "pcie_corrected",
    shapes: [
      /AER: (?:Multiple )?Corrected error(?: message)? received(?:: | from )([0-9a-f:.]+)/i,
      /^\S+ ([0-9a-f:.]+): (?:AER: )?PCIe Bus Error: severity=Corrected/i,
    ],
    severity: "warning",
    action: "inspect_hardware",
    what: "many PCIe errors, all corrected",
    advice: checkSlot,
    windowSeconds: hour,
    needed: 100,
  },
  {
    kind: "link_down",
    shapes: [
      /^(?:\S+ [0-9a-f:.]+ )?([a-z][\w.-]{0,14})(?: \([^)]*\))?: (?:\w+: \w+ )?(?:NIC )?Link is Down/i,
      /^(?:mlx5_core|mlx4_en|ice|i40e|bnxt_en|ixgbe|igb|ena|gve)\S* [0-9a-f:.]+ ([a-z][\w.-]{0,14}): (?:NIC )?Link down/i,
      /^([a-z][\w.-]{0,14}): Link down/i,
    ],
    severity: "warning",
    action: "inspect_hardware",
    what: "the link goes up and down",
    advice: "Check cable, transceiver and switch port (ethtool, mlxlink).",
    windowSeconds: 10 * minute,
    needed: 3,
  },
  {
    kind: "machine_check",
    shapes: [
      /^(?:mce: )?\[Hardware Error\]: (CPU \d+): Machine Check/i,
      /^\{\d+\}\[Hardware Error\]: event severity: (fatal|recoverable)/,
      /^EDAC (\w+): \d+ UE/,
      /^Memory failure: (0x[0-9a-f]+): /i,
    ],
    severity: "critical",
    action: "inspect_hardware",
    what: "memory or a processor failed",
    advice: inspect,
    windowSeconds: day,
  },
  {
    kind: "memory_corrected",
    shapes: [
      /^EDAC (\w+): \d+ CE/,
      /^(mce): \[Hardware Error\]: Machine check events logged/i,
      /^\{\d+\}\[Hardware Error\]: event severity: (corrected)/,
    ],
    severity: "warning",
    action: "inspect_hardware",
    what: "many memory errors, all corrected",
    advice: inspect,
    windowSeconds: hour,
    needed: 20,
  },
  {
    kind: "overheating",
    shapes: [
      /^(?:mce: |CPU\d+: )*(?:Package|Core) temperature above threshold/i,
      /^thermal (\S+): critical temperature reached/i,
    ],
    severity: "warning",
    action: "inspect_hardware",
    what: "the processor slows down for heat",
    advice: "Check fans, airflow and inlet temperature.",
    windowSeconds: 10 * minute,
  },
  {
    kind: "gpu_driver",
    shapes: [
      /^NVRM: (?:GPU )?([0-9a-f:.]*?):? ?RmInitAdapter failed/i,
      /^NVRM: (API mismatch)/,
      /^NVRM: (?:The NVIDIA (probe routine) failed|None of the NVIDIA devices were (initialized))/i,
    ],
    severity: "error",
    action: "reboot",
    what: "the GPU driver could not start",
    advice: "Reboot after a driver update; if it stays, reinstall the driver or have the card inspected.",
    windowSeconds: day,
  },
];

/** The fault of the host that a message tells of; null for any other message. */
export function hostFault(message: string): (Fault & { readonly kind: HostFaultKind }) | null {
  for (const { shapes, kind, what, needed = 1, ...pattern } of patterns) {
    for (const shape of shapes) {
      const match = shape.exec(message);
      if (match === null) continue;
      const subject = (match.slice(1).find((group) => group !== undefined && group !== "") ?? "host").slice(
        0,
        64,
      );
      const reason = `${subject}: ${what} (${message.trim().slice(0, 200)})`;
      return { ...pattern, kind, needed, key: `${kind}/${subject}`, subject, reason };
    }
  }
  return null;
}

const mounted =
  /^(?:EXT4-fs|XFS|F2FS-fs) \(([^)]+)\): (?:re-?mounted|mounted filesystem|Mounting|Ending clean mount)(?!.*\bro\b)/;

/** The device that a message says was mounted for writing again; null for any other message. */
export function mountedDevice(message: string): string | null {
  return mounted.exec(message)?.[1] ?? null;
}
