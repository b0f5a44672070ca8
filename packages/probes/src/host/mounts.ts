import { fieldsOf } from "../number-text.ts";

/** One mounted block filesystem. `kernelReadOnly`: the kernel made the filesystem read-only, nobody asked for it. */
export interface Mount {
  readonly mountPoint: string;
  readonly device: string;
  readonly fileSystem: string;
  readonly readOnly: boolean;
  readonly kernelReadOnly: boolean;
}

/** Filesystems that lie on a block device of this host and can run full. Images such as squashfs are always full. */
const blockFileSystems: ReadonlySet<string> = new Set([
  "bcachefs",
  "btrfs",
  "exfat",
  "ext2",
  "ext3",
  "ext4",
  "f2fs",
  "jfs",
  "ntfs3",
  "reiserfs",
  "vfat",
  "xfs",
  "zfs",
]);

/**
 * Block filesystems of a /proc/self/mountinfo, each device once under its shortest mount point: a bind mount shows the
 * same space again. Lines of another form are skipped.
 */
export function parseMounts(text: string): Mount[] {
  const byDevice = new Map<string, Mount>();
  for (const line of text.split("\n")) {
    const mount = parseMount(line);
    if (mount === null) continue;
    const known = byDevice.get(mount.device);
    if (known === undefined || mount.mountPoint.length < known.mountPoint.length) {
      byDevice.set(mount.device, mount);
    }
  }
  return [...byDevice.values()].sort((a, b) => (a.mountPoint < b.mountPoint ? -1 : 1));
}

function parseMount(line: string): Mount | null {
  // id parent major:minor root mountPoint options [tags…] - fileSystem source superOptions
  const [left = "", right] = line.split(" - ", 2);
  if (right === undefined || !blockFileSystems.has(right.slice(0, right.indexOf(" ")))) return null;
  const [, , , , mountPoint, options] = fieldsOf(left);
  const [fileSystem, source, superOptions] = fieldsOf(right);
  if (mountPoint === undefined || options === undefined || fileSystem === undefined || source === undefined) {
    return null;
  }
  if (!mountPoint.startsWith("/")) return null;
  const mountReadOnly = options.split(",").includes("ro");
  const superReadOnly = (superOptions ?? "").split(",").includes("ro");
  return {
    mountPoint: unescapePath(mountPoint),
    device: unescapePath(source),
    fileSystem,
    readOnly: mountReadOnly || superReadOnly,
    // `mount -o ro` sets both; errors=remount-ro sets only the filesystem's own flag.
    kernelReadOnly: superReadOnly && !mountReadOnly,
  };
}

/** The kernel writes blank, tab, newline and backslash as three octal digits. */
function unescapePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
