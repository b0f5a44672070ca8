import { busKey } from "../../nvidia/bus-id.ts";

const operatorShape = /^ringrift: cleared (\S+)/;
const driverLoadShape = /^NVRM: loading NVIDIA UNIX/;

/** `ringrift: cleared 0000:3b:00.0` (or `all`), as an operator writes it to /dev/kmsg after a repair; else null. */
export function clearedSubject(message: string): string | null {
  const subject = operatorShape.exec(message)?.[1];
  return subject === undefined ? null : busKey(subject);
}

/** True for the line of a driver that is loaded, which resets every card. */
export function isDriverLoad(message: string): boolean {
  return driverLoadShape.test(message);
}
