import type { Command } from "commander";
import { type CommandLine, examples } from "../command-line.ts";
import { scanExitCode } from "../plugin-check.ts";
import { scanScreen } from "../scan-screen.ts";

export function addScan(program: Command, line: CommandLine): void {
  program
    .command("scan")
    .description("probe this host once, without any server; exit code as check")
    .addHelpText("after", examples("ringrift scan", "ringrift scan --config agent.yaml --json"))
    .action(async () => {
      const config = line.config();
      // Only this verb needs the probes and what names the machine, and they take a while to load.
      const { scanHost } = await import("../scan.ts");
      const scan = await scanHost(config);
      const exitCode = scanExitCode(scan.checks.map((report) => report.state));
      line.print({ json: { schema: "ringrift.scan/1", ...scan, exitCode }, screen: scanScreen(scan) });
      process.exitCode = exitCode;
    });
}
