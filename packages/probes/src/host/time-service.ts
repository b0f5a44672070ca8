import { createSocket } from "node:dgram";
import { chronyPort, chronyRequest, parseChronyReply } from "./chrony-tracking.ts";
import type { TimeServiceAnswer } from "./clock.ts";
import { ntpPort, ntpRequest, parseNtpReply } from "./ntp-control.ts";

const answerMs = 1000;

interface Dialect {
  readonly port: number;
  request(sequence: number): Uint8Array;
  parse(reply: Uint8Array, sequence: number): TimeServiceAnswer | null;
}

const dialects: Readonly<Record<"chronyd" | "ntpd", Dialect>> = {
  chronyd: { port: chronyPort, request: chronyRequest, parse: parseChronyReply },
  ntpd: { port: ntpPort, request: ntpRequest, parse: parseNtpReply },
};

/**
 * Asks the service on this host by one datagram; null when it does not answer, or may not (`cmdport 0`, `restrict noquery`).
 * @param port Its own unless given.
 */
export function askTimeService(
  service: "chronyd" | "ntpd",
  signal: AbortSignal,
  port: number = dialects[service].port,
): Promise<TimeServiceAnswer | null> {
  const { request, parse } = dialects[service];
  const sequence = Math.floor(Math.random() * 0xffff);
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const finish = (answer: TimeServiceAnswer | null): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.removeAllListeners();
      socket.on("error", () => {});
      socket.close();
      resolve(answer);
    };
    const onAbort = (): void => finish(null);
    const timer = setTimeout(onAbort, answerMs);
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", onAbort);
    socket.on("message", (reply) => {
      const answer = parse(reply, sequence);
      if (answer !== null) finish(answer);
    });
    // Connected, so that only its answers come in, and a port at which nobody listens shows at once.
    socket.on("connect", () => socket.send(request(sequence)));
    socket.connect(port, "127.0.0.1");
  });
}
