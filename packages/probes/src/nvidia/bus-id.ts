// core: pure

/** One spelling for `00000000:01:00.0` of nvidia-smi, `0000:01:00.0` of sysfs and `PCI:0000:01:00` of the kernel log. */
export function busKey(busId: string): string {
  const text = busId.trim().toLowerCase().replace(/^pci:/, "");
  const match = /^([0-9a-f]{4,8}):([0-9a-f]{2}:[0-9a-f]{2})(\.[0-7])?$/.exec(text);
  if (match === null) return text;
  const domain = (match[1] ?? "").replace(/^0+(?=[0-9a-f]{4})/, "");
  return `${domain}:${match[2] ?? ""}${match[3] ?? ".0"}`;
}
