import type { Command } from "commander";
import { type CommandLine, examples } from "../command-line.ts";

export function addDoctor(program: Command, line: CommandLine): void {
  program
    .command("doctor")
    .description("what an agent needs on this host, and what to do about what is missing; none need run")
    .addHelpText(
      "after",
      `
It reads the agent's settings from --config and RINGRIFT_... and asks the servers named there (--server is not asked). It knocks at
their doors and hangs up: no member is listed. --timeout is for each answer of the network.
Exit code 0 where nothing failed, warnings or not; 1 where something failed or could not be told.
${examples("ringrift doctor --config agent.yaml", "sudo -u ringrift ringrift doctor --json")}`,
    )
    .action(async () => {
      // Only this verb needs the mesh and, as scan does, the probes.
      const { examineHost } = await import("../doctor/doctor.ts");
      const { doctorScreen } = await import("../doctor/doctor-screen.ts");
      const { doctorExitCode } = await import("../doctor/finding.ts");
      const diagnosis = await examineHost({
        flags: line.flags,
        env: process.env,
        version: program.version() ?? "",
        timeoutMs: line.timeoutMs,
      });
      const exitCode = doctorExitCode(diagnosis.findings);
      line.print({
        json: { schema: "ringrift.doctor/1", ...diagnosis, exitCode },
        screen: doctorScreen(diagnosis),
      });
      process.exitCode = exitCode;
    });
}
