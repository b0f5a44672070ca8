import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Judgement } from "../judgement.ts";
import { readKernelFile } from "../kernel-file.ts";
import type { Probe } from "../probe.ts";
import { hostProbe } from "./host-probe.ts";

/** Units that a training host needs, where they are enabled. */
const unitsOfInterest: readonly string[] = [
  "chrony.service",
  "chronyd.service",
  "containerd.service",
  "docker.service",
  "kubelet.service",
  "munge.service",
  "nvidia-dcgm.service",
  "nvidia-fabricmanager.service",
  "nvidia-persistenced.service",
  "slurmd.service",
  "ssh.service",
  "sshd.service",
];

export interface Unit {
  readonly name: string;
  /** Whether its control group holds a process; null when the group's file could not be made out. */
  readonly running: boolean | null;
}

/** Whether a cgroup.events text says that a process lives in the group; null when it says neither. */
export function parsePopulated(text: string): boolean | null {
  const digit = /^populated ([01])$/m.exec(text)?.[1];
  return digit === undefined ? null : digit === "1";
}

/** Judges the units that are enabled here. */
export function judgeServices(units: readonly Unit[]): Judgement {
  if (units.length === 0)
    return { state: "not_applicable", reason: "none of the units of interest is enabled here" };
  const dead = units.filter(({ running }) => running === false).map(({ name }) => name);
  const unsure = units.filter(({ running }) => running === null).map(({ name }) => name);
  const measures = units.map(({ name, running }) => ({
    name: "systemd_unit_running",
    labels: { unit: name },
    value: running === null ? null : running ? 1 : 0,
  }));
  const details = { enabled: units.map(({ name }) => name), dead, unsure };
  if (dead.length > 0)
    return {
      state: "degraded",
      reason: `enabled and without a process: ${dead.join(", ")}`,
      action: `systemctl status ${dead[0]}; journalctl -u ${dead[0]} -e`,
      details,
      measures,
    };
  if (unsure.length > 0)
    return { state: "unknown", reason: `cannot tell of ${unsure.join(", ")}`, details, measures };
  return { state: "healthy", reason: `${units.length} enabled units run`, details, measures };
}

export interface ServiceRoots {
  readonly sysRoot: string;
  readonly etcRoot: string;
  readonly runRoot: string;
}

function isEnabled(unit: string, etcRoot: string): boolean {
  return ["multi-user.target.wants", "default.target.wants", "sysinit.target.wants"].some((target) =>
    existsSync(join(etcRoot, "systemd/system", target, unit)),
  );
}

/** Reads the unit's control group: of version 2, or of systemd's own hierarchy beside version 1. */
async function isRunning(unit: string, sysRoot: string, signal: AbortSignal): Promise<boolean | null> {
  const second = join(sysRoot, "fs/cgroup/system.slice");
  if (existsSync(second) && existsSync(join(sysRoot, "fs/cgroup/cgroup.controllers"))) {
    const events = await readKernelFile(join(second, unit, "cgroup.events"), signal);
    // systemd removes the group of a unit that has ended.
    return events === null ? false : parsePopulated(events);
  }
  const first = join(sysRoot, "fs/cgroup/systemd/system.slice");
  if (!existsSync(first)) return null;
  return ((await readKernelFile(join(first, unit, "cgroup.procs"), signal)) ?? "").trim() !== "";
}

export function createServicesProbe(roots: ServiceRoots, nowSeconds: () => number): Probe {
  return hostProbe(
    {
      name: "services",
      title: "systemd units",
      reads:
        "/etc/systemd/system/*.wants and control groups in /sys/fs/cgroup: do enabled units of interest have a process",
      intervalSeconds: 30,
      timeoutSeconds: 5,
      rules: [
        {
          state: "degraded",
          when: `an enabled unit has no process; looked at are ${unitsOfInterest.join(", ")}`,
          advice: "systemctl status UNIT; journalctl -u UNIT -e",
        },
        {
          state: "unknown",
          when: "the control group of an enabled unit cannot be made out",
          advice: "Look at /sys/fs/cgroup.",
        },
        {
          state: "not_applicable",
          when: "systemd does not run this host, or none of the units is enabled",
          advice: "Nothing.",
        },
      ],
      cost: "under 0.2 ms",
      confirm: { raise: 2, clear: 2 },
      async check(signal) {
        if (!existsSync(join(roots.runRoot, "systemd/system")))
          return { judgement: { state: "not_applicable", reason: "systemd does not run this host" } };
        const units: Unit[] = [];
        for (const name of unitsOfInterest) {
          if (!isEnabled(name, roots.etcRoot)) continue;
          units.push({ name, running: await isRunning(name, roots.sysRoot, signal) });
        }
        return { judgement: judgeServices(units) };
      },
    },
    nowSeconds,
  );
}
