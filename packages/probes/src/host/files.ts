import { join } from "node:path";
import { type Judgement, percent } from "../judgement.ts";
import { requireKernelFile } from "../kernel-file.ts";
import { fieldsOf, parseCount } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { badInput } from "../probe-error.ts";
import { hostProbe } from "./host-probe.ts";
import { scarcity, stateOfShare } from "./scarcity.ts";

export interface OpenFiles {
  readonly open: number;
  readonly limit: number;
}

/** @throws ProbeError when the text is not a /proc/sys/fs/file-nr. */
export function parseOpenFiles(text: string): OpenFiles {
  const [allocated, unused, limit] = fieldsOf(text).map(parseCount);
  if (typeof allocated !== "number" || typeof unused !== "number" || typeof limit !== "number" || limit <= 0)
    throw badInput("/proc/sys/fs/file-nr", "three numbers: allocated, unused, limit");
  return { open: Math.max(0, allocated - unused), limit };
}

export function judgeOpenFiles({ open, limit }: OpenFiles): Judgement {
  const ratio = open / limit;
  const state = stateOfShare(ratio);
  return {
    state,
    reason:
      state === "healthy" ? `${open} open files` : `${open} of ${limit} files are open (${percent(ratio)})`,
    ...(state === "healthy"
      ? {}
      : {
          action:
            "Find who holds them (lsof | awk '{print $1}' | sort | uniq -c | sort -n), or raise fs.file-max.",
        }),
    details: { open, limit },
    measures: [
      { name: "open_files", value: open },
      { name: "open_files_limit", value: limit },
    ],
  };
}

export function createFilesProbe(procRoot: string, nowSeconds: () => number): Probe {
  return hostProbe(
    {
      name: "files",
      title: "Open files",
      reads: "/proc/sys/fs/file-nr: files open on the whole host, of the kernel's limit",
      intervalSeconds: 30,
      timeoutSeconds: 5,
      rules: [
        {
          state: "unhealthy",
          when: `over ${percent(scarcity.nearlyNone)} of the limit are open`,
          advice: "Find who holds them with lsof and restart it.",
        },
        {
          state: "degraded",
          when: `over ${percent(scarcity.scarce)} of the limit are open`,
          advice: "Find who holds them with lsof, or raise fs.file-max.",
        },
      ],
      cost: "under 0.1 ms",
      async check(signal) {
        const text = await requireKernelFile(join(procRoot, "sys/fs/file-nr"), signal);
        return { judgement: judgeOpenFiles(parseOpenFiles(text)) };
      },
    },
    nowSeconds,
  );
}
