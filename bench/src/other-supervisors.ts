import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pm2, pm2Version } from "./pm2.ts";
import type { SupervisedPrograms, Supervisor } from "./supervised-programs.ts";
import { sleep, versionOf } from "./timed.ts";

const patienceMs = 15_000;

type Make = (folder: string, programs: SupervisedPrograms) => Promise<Supervisor>;

/** The well-known ones, with their defaults. */
const known: readonly {
  readonly name: string;
  readonly version: () => string | null;
  readonly make: Make;
}[] = [
  { name: "supervisord", version: () => versionOf("supervisord", "--version"), make: supervisord },
  { name: "runit", version: () => packageVersion("runit"), make: runit },
  { name: "s6", version: () => packageVersion("s6"), make: s6 },
  { name: "pm2", version: pm2Version, make: pm2 },
];

/** Those that are installed. */
export function otherSupervisors(): Make[] {
  return known.flatMap(({ version, make }) => (version() === null ? [] : [make]));
}

/** What to say of those that are not. */
export function missingSupervisors(): string[] {
  return known.flatMap(({ name, version }) => (version() === null ? [`${name} is not installed`] : []));
}

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: patienceMs }, () => resolve());
  });
}

function background(command: string, args: readonly string[]): ChildProcess {
  return spawn(command, args, { stdio: "ignore" });
}

async function supervisord(folder: string, programs: SupervisedPrograms): Promise<Supervisor> {
  const file = join(folder, "supervisord.conf");
  const sections = programs.names.map(
    (name) =>
      `[program:${name}]\ncommand=${programs.path(name)}\nautostart=false\nautorestart=true\nstdout_logfile=NONE\nstderr_logfile=NONE\n`,
  );
  writeFileSync(
    file,
    `[supervisord]\nnodaemon=true\nlogfile=${folder}/log\npidfile=${folder}/pid\n[unix_http_server]\nfile=${folder}/socket\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n[supervisorctl]\nserverurl=unix://${folder}/socket\n${sections.join("")}`,
  );
  const process_ = background("supervisord", ["-c", file]);
  await sleep(1500);
  return {
    name: "supervisord",
    version: versionOf("supervisord", "--version") ?? "unknown",
    start: (program) => run("supervisorctl", ["-c", file, "start", program]),
    startAll: () => run("supervisorctl", ["-c", file, "start", "all"]),
    stop: (program) => run("supervisorctl", ["-c", file, "stop", program]),
    ownPids: () => [process_.pid ?? 0],
    close: async () => {
      process_.kill("SIGKILL");
    },
  };
}

function runit(folder: string, programs: SupervisedPrograms): Promise<Supervisor> {
  return oneEach(folder, programs, {
    name: "runit",
    supervise: "runsv",
    up: (service) => run("sv", ["up", service]),
    down: (service) => run("sv", ["-w", "5", "down", service]),
  });
}

function s6(folder: string, programs: SupervisedPrograms): Promise<Supervisor> {
  return oneEach(folder, programs, {
    name: "s6",
    supervise: "s6-supervise",
    up: (service) => run("s6-svc", ["-u", service]),
    down: (service) => run("s6-svc", ["-wD", "-T", "5000", "-d", service]),
  });
}

/** Both keep one supervisor for each program, in a folder of its own. */
async function oneEach(
  folder: string,
  programs: SupervisedPrograms,
  {
    name,
    supervise,
    up,
    down,
  }: {
    readonly name: string;
    readonly supervise: string;
    readonly up: (service: string) => Promise<void>;
    readonly down: (service: string) => Promise<void>;
  },
): Promise<Supervisor> {
  const service = (program: string): string => join(folder, "service", program);
  const children = programs.names.map((program) => {
    mkdirSync(service(program), { recursive: true });
    copyFileSync(programs.path(program), join(service(program), "run"));
    writeFileSync(join(service(program), "down"), "");
    return background(supervise, [service(program)]);
  });
  await sleep(500);
  return {
    name,
    version: packageVersion(name) ?? "unknown",
    start: (program) => up(service(program)),
    startAll: async () => {
      for (const program of programs.names) await up(service(program));
    },
    stop: (program) => down(service(program)),
    ownPids: () => children.map((child) => child.pid ?? 0),
    close: async () => {
      for (const child of children) child.kill("SIGKILL");
    },
  };
}

/** Neither tells its version itself; null when it is not installed. */
function packageVersion(name: string): string | null {
  try {
    const text = execFileSync("dpkg-query", ["--show", name], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return text.trim().split("\t")[1] ?? null;
  } catch {
    return null;
  }
}
