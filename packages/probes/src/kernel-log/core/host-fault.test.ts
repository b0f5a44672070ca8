import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostFault, mountedDevice } from "./host-fault.ts";

describe("faults of the host", () => {
  it.each([
    ["oom_kill", "python", "Out of memory: Killed process 4242 (python) total-vm:1kB, anon-rss:1kB, UID:0"],
    ["oom_kill", "python", "Out of memory: Kill process 4242 (python) score 900 or sacrifice child"],
    ["oom_kill", "train.py", "Memory cgroup out of memory: Killed process 7 (train.py) total-vm:1kB"],
    ["io_error", "sda", "blk_update_request: I/O error, dev sda, sector 2048 op 0x0:(READ) flags 0x0"],
    ["io_error", "nvme0n1", "I/O error, dev nvme0n1, sector 2048 op 0x1:(WRITE) flags 0x8800 phys_seg 1"],
    ["io_error", "sdb", "critical medium error, dev sdb, sector 1953525160 op 0x0:(READ)"],
    ["io_error", "sda1", "Buffer I/O error on dev sda1, logical block 0, async page read"],
    ["io_error", "nvme0", "nvme nvme0: I/O 258 (I/O Cmd) QID 4 timeout, aborting"],
    ["io_error", "nvme0", "nvme nvme0: controller is down; will reset: CSTS=0xffffffff, PCI_STATUS=0xffff"],
    [
      "filesystem_error",
      "sda1",
      "EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2: comm ls: reading",
    ],
    ["filesystem_error", "dm-0", "XFS (dm-0): Metadata corruption detected at xfs_agf_verify"],
    ["read_only", "sda1", "EXT4-fs (sda1): Remounting filesystem read-only"],
    ["read_only", "dm-0", "XFS (dm-0): Log I/O Error Detected. Shutting down filesystem"],
    ["read_only", "nvme1n1", "BTRFS info (device nvme1n1: state E): forced readonly"],
    ["hung_task", "jbd2/sda1-8", "INFO: task jbd2/sda1-8:123 blocked for more than 120 seconds."],
    ["cpu_stall", "CPU#3", "watchdog: BUG: soft lockup - CPU#3 stuck for 23s! [python:4242]"],
    ["cpu_stall", "rcu_sched", "rcu: INFO: rcu_sched self-detected stall on CPU"],
    [
      "kernel_bug",
      "BUG: kernel NULL pointer dereference",
      "BUG: kernel NULL pointer dereference, address: 00",
    ],
    ["pcie_corrected", "0000:3b:00.0", "pcieport 0000:3a:00.0: AER: Corrected error received: 0000:3b:00.0"],
    [
      "pcie_corrected",
      "0000:3b:00.0",
      "pcieport 0000:3a:00.0: AER: Multiple Corrected error message received from 0000:3b:00.0",
    ],
    [
      "pcie_uncorrected",
      "0000:3b:00.0",
      "pcieport 0000:3a:00.0: AER: Uncorrected (Fatal) error received: 0000:3b:00.0",
    ],
    [
      "pcie_uncorrected",
      "0000:3b:00.0",
      "nvidia 0000:3b:00.0: PCIe Bus Error: severity=Uncorrected (Non-Fatal), type=Transaction Layer",
    ],
    ["link_down", "ens1f0", "mlx5_core 0000:12:00.0 ens1f0: Link down"],
    ["link_down", "eth0", "e1000e 0000:00:1f.6 eth0: NIC Link is Down"],
    ["link_down", "eth0", "igb 0000:01:00.0 eth0: igb: eth0 NIC Link is Down"],
    ["link_down", "enp1s0", "ixgbe 0000:01:00.0 enp1s0: NIC Link is Down"],
    [
      "machine_check",
      "CPU 3",
      "mce: [Hardware Error]: CPU 3: Machine Check Exception: 5 Bank 1: be00000000800400",
    ],
    ["machine_check", "fatal", "{1}[Hardware Error]: event severity: fatal"],
    ["machine_check", "MC0", "EDAC MC0: 1 UE memory read error on CPU_SrcID#0"],
    ["memory_corrected", "MC0", "EDAC MC0: 1 CE memory read error on CPU_SrcID#0"],
    ["memory_corrected", "mce", "mce: [Hardware Error]: Machine check events logged"],
    [
      "overheating",
      "host",
      "CPU3: Package temperature above threshold, cpu clock throttled (total events = 1)",
    ],
    ["gpu_driver", "0000:3b:00.0", "NVRM: GPU 0000:3b:00.0: RmInitAdapter failed! (0x26:0xffff:1290)"],
    ["gpu_driver", "API mismatch", "NVRM: API mismatch: the client has the version 535.1, but"],
  ])("%s of %s", (kind, subject, message) => {
    expect(hostFault(message)).toMatchObject({ kind, subject });
  });

  it("are not in what kernels say on a good day", () => {
    for (const message of [
      "EXT4-fs (vda): mounted filesystem 00000000-0000-0000-0000-000000000000 r/w without journal.",
      "random: crng reseeded due to virtual machine fork",
      "e1000e 0000:00:1f.6 eth0: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx",
      "nvidia 0000:3b:00.0: enabling device (0000 -> 0003)",
      "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.54.03",
      "python[4242]: I/O error, dev sda",
      "oom_reaper: reaped process 4242 (python), now anon-rss:0kB",
      "mce: CPU0: Thermal monitoring enabled (TM1)",
      "",
    ])
      expect(hostFault(message)).toBeNull();
  });

  it("of a read-only file system end when it is mounted again, unless read-only", () => {
    expect(mountedDevice("EXT4-fs (sda1): re-mounted 0000 r/w. Quota mode: none.")).toBe("sda1");
    expect(mountedDevice("EXT4-fs (sda1): re-mounted 0000 ro. Quota mode: none.")).toBeNull();
    expect(mountedDevice("XFS (dm-0): Ending clean mount")).toBe("dm-0");
  });

  it("are found in bounded text, and no text breaks the search", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 3000 }), (text) => {
        const fault = hostFault(`Out of memory: Killed process 1 (${text}) total`);
        if (fault !== null) expect(fault.key.length + fault.reason.length).toBeLessThan(500);
        hostFault(text);
        mountedDevice(text);
      }),
    );
  });
});
