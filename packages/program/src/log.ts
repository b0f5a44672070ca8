import type { LogLevel } from "@ringrift/config";
import { type Logger, pino } from "pino";
import pretty from "pino-pretty";

/**
 * The program's log on stderr: one JSON object a line, or lines for people when stderr is a terminal. Writes are
 * synchronous, so that the last lines before an exit are not lost.
 */
export function createLog(name: string, level: LogLevel): Logger {
  const terminal = process.stderr.isTTY === true;
  const stream = terminal
    ? pretty({
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
