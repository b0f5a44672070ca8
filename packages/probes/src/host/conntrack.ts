import { join } from "node:path";
import { type Judgement, percent } from "../judgement.ts";
import { readKernelFile } from "../kernel-file.ts";
import { parseCount } from "../number-text.ts";
import type { Probe } from "../probe.ts";
import { badInput } from "../probe-error.ts";
import { hostProbe } from "./host-probe.ts";
import { scarcity, stateOfShare } from "./scarcity.ts";

/** Judges the connection table; null is a file that is not there, as without the module. */
export function judgeConntrack(countText: string | null, limitText: string | null): Judgement {
  if (countText === null || limitText === null)
    return { state: "not_applicable", reason: "the kernel tracks no connections here" };
  const count = parseCount(countText.trim());
  const limit = parseCount(limitText.trim());
  if (count === null || limit === null || limit === 0)
    throw badInput(
      "/proc/sys/net/netfilter/nf_conntrack_count and _max",
      "one number each, the limit above zero",
    );
  const ratio = count / limit;
  const state = stateOfShare(ratio);
  return {
    state,
    reason: `${count} of ${limit} connections tracked (${percent(ratio)})`,
    ...(state === "healthy"
      ? {}
      : {
          action:
            "New connections will be dropped: raise net.netfilter.nf_conntrack_max, or find who opens them (ss -s).",
        }),
    details: { count, limit },
    measures: [
      { name: "conntrack_entries", value: count },
      { name: "conntrack_entries_limit", value: limit },
    ],
  };
}

export function createConntrackProbe(procRoot: string, nowSeconds: () => number): Probe {
  const folder = join(procRoot, "sys/net/netfilter");
  return hostProbe(
    {
      name: "conntrack",
      title: "Connection tracking",
      reads:
        "/proc/sys/net/netfilter/nf_conntrack_count and nf_conntrack_max: entries of the firewall's table",
      intervalSeconds: 30,
      timeoutSeconds: 5,
      rules: [
        {
          state: "unhealthy",
          when: `over ${percent(scarcity.nearlyNone)} of the table is used`,
          advice: "Raise net.netfilter.nf_conntrack_max; new connections are about to be dropped.",
        },
        {
          state: "degraded",
          when: `over ${percent(scarcity.scarce)} of the table is used`,
          advice: "Find who opens so many connections (ss -s).",
        },
      ],
      cost: "under 0.1 ms",
      async check(signal) {
        return {
          judgement: judgeConntrack(
            await readKernelFile(join(folder, "nf_conntrack_count"), signal),
            await readKernelFile(join(folder, "nf_conntrack_max"), signal),
          ),
        };
      },
    },
    nowSeconds,
  );
}
