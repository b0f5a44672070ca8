import { readlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { listKernelFolder, readKernelFile } from "../kernel-file.ts";
import { parseCount } from "../number-text.ts";

/** An NVIDIA display or 3D device on the PCI bus. `slotWidth`: lanes of the port above it; null when unknown. */
interface PciGpu {
  readonly busId: string;
  readonly slotWidth: number | null;
}

/** What the kernel knows of GPUs without asking the driver. */
export interface GpuHardware {
  /** Null where sysfs has no PCI bus to look at. */
  readonly pciGpus: readonly PciGpu[] | null;
  /** Whether the NVIDIA kernel module is loaded. */
  readonly driverLoaded: boolean;
}

const maxDevices = 4096;

/** True when vendor and class files of a PCI device say: NVIDIA, display controller (0x03…). */
export function isNvidiaGpu(vendor: string | null, deviceClass: string | null): boolean {
  return vendor?.trim().toLowerCase() === "0x10de" && /^0x03[0-9a-f]{4}$/i.test(deviceClass?.trim() ?? "");
}

export async function readGpuHardware(
  procRoot: string,
  sysRoot: string,
  signal: AbortSignal,
): Promise<GpuHardware> {
  const driver = await listKernelFolder(join(procRoot, "driver/nvidia"), signal);
  return {
    pciGpus: await readPciGpus(join(sysRoot, "bus/pci/devices"), signal),
    driverLoaded: driver !== null,
  };
}

async function readPciGpus(folder: string, signal: AbortSignal): Promise<PciGpu[] | null> {
  const names = (await listKernelFolder(folder, signal))?.sort() ?? null;
  if (names === null) return null;
  const gpus: PciGpu[] = [];
  for (const name of names.slice(0, maxDevices)) {
    const path = join(folder, name);
    const vendor = await readKernelFile(join(path, "vendor"), signal);
    if (vendor?.trim().toLowerCase() !== "0x10de") continue;
    if (!isNvidiaGpu(vendor, await readKernelFile(join(path, "class"), signal))) continue;
    gpus.push({ busId: name, slotWidth: await readSlotWidth(folder, name, signal) });
  }
  return gpus;
}

/** The port above the device says how many lanes the slot has; a device right below the root has none above it. */
async function readSlotWidth(folder: string, name: string, signal: AbortSignal): Promise<number | null> {
  const target = await readlink(join(folder, name)).catch(() => null);
  if (target === null) return null;
  const port = dirname(resolve(folder, target));
  const width = parseCount((await readKernelFile(join(port, "max_link_width"), signal))?.trim());
  return width === null || width === 0 || width > 32 ? null : width;
}
