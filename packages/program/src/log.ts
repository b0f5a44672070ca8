import type { LogLevel } from "@ringrift/config";
import { type Logger, pino } from "pino";

/**
 * The program's log on stderr: one JSON object a line, or lines for people when stderr is a terminal. Writes are
 * synchronous, so that the last lines before an exit are not lost.
 */
export async function createLog(name: string, level: LogLevel): Promise<Logger> {
  const terminal = process.stderr.isTTY === true;
  // Loaded for terminals alone: a service need not carry it in its memory.
  const stream = terminal
    ? (await import("pino-pretty")).default({
        destination: 2,
        sync: true,
        colorize: !process.env.NO_COLOR,
        ignore: "pid,hostname,name",
        translateTime: "SYS:HH:MM:ss.l",
      })
    : pino.destination({ dest: 2, sync: true });
  const options = {
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    ...(terminal ? {} : { formatters: { level: (label: string) => ({ level: label }) } }),
  };
  return pino(options, stream);
}
