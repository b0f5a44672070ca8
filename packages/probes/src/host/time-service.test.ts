import { createSocket } from "node:dgram";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { chronyRequest, parseChronyReply } from "./chrony-tracking.ts";
import { ntpRequest, parseNtpReply } from "./ntp-control.ts";
import { askTimeService } from "./time-service.ts";

/** What chronyd 4.3 answered to question 7: its source is a quarter of a second away. */
const chronyReply = (): Buffer => {
  const reply = Buffer.alloc(104);
  Buffer.from([6, 2, 0, 0]).copy(reply);
  reply.writeUInt16BE(33, 4);
  reply.writeUInt16BE(5, 6);
  reply.writeUInt32BE(7, 16);
  // 0.25, 0.5 and 0.125 as coefficients of 2^24 and 2^23 with exponents of 0, 1 and -1.
  reply.writeUInt32BE(0x00800000, 68);
  reply.writeUInt32BE(0x02800000, 92);
  reply.writeUInt32BE(0xfe800000, 96);
  return reply;
};

/** What ntpd answers to question 7, with the time of its source 2 ms from here. */
const ntpReply = (variables: string, leap = 0): Buffer => {
  const header = Buffer.alloc(12);
  header.writeUInt8((2 << 3) | 6, 0);
  header.writeUInt8(0x80 | 2, 1);
  header.writeUInt16BE(7, 2);
  header.writeUInt16BE((leap << 14) | 0x0615, 4);
  header.writeUInt16BE(variables.length, 10);
  return Buffer.concat([header, Buffer.from(variables)]);
};

/** A service that answers as `answer` says, on a port of its own. */
async function service(answer: (request: Buffer) => Buffer[]): Promise<number> {
  const socket = createSocket("udp4");
  onTestFinished(() => void socket.close());
  socket.on("message", (request, { port, address }) => {
    for (const reply of answer(request)) socket.send(reply, port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return socket.address().port;
}

const signal = new AbortController().signal;

describe("chronyd's answer", () => {
  it("tells how far the clock is ahead, and within which bound", () => {
    expect(parseChronyReply(chronyReply(), 7)).toEqual({
      synchronized: true,
      offsetSeconds: -0.25,
      errorBoundSeconds: 0.375,
    });
  });

  it("of a clock that follows no source has no offset", () => {
    const reply = chronyReply();
    reply.writeUInt16BE(3, 54);
    expect(parseChronyReply(reply, 7)).toEqual({
      synchronized: false,
      offsetSeconds: null,
      errorBoundSeconds: null,
    });
  });

  it("is none when it is a refusal, cut off, or belongs to another question", () => {
    const refused = chronyReply();
    refused.writeUInt16BE(2, 8);
    expect(parseChronyReply(refused, 7)).toBeNull();
    expect(parseChronyReply(chronyReply().subarray(0, 103), 7)).toBeNull();
    expect(parseChronyReply(chronyReply(), 8)).toBeNull();
  });
});

describe("ntpd's answer", () => {
  const variables = "offset=+2.0, rootdelay=10.000,\r\nrootdisp=3.5";

  it("tells how far the clock is ahead, and within which bound", () => {
    expect(parseNtpReply(ntpReply(variables), 7)).toEqual({
      synchronized: true,
      offsetSeconds: -0.002,
      errorBoundSeconds: 0.0085,
    });
    expect(parseNtpReply(ntpReply("offset=-0.5"), 7)).toEqual({
      synchronized: true,
      offsetSeconds: 0.0005,
      errorBoundSeconds: null,
    });
    expect(parseNtpReply(ntpReply(variables, 3), 7)?.synchronized).toBe(false);
  });

  it("is none when it is a refusal or belongs to another question", () => {
    const refused = ntpReply("");
    refused.writeUInt8(0xc2, 1);
    expect(parseNtpReply(refused, 7)).toBeNull();
    expect(parseNtpReply(ntpReply(variables), 8)).toBeNull();
  });
});

describe("a time service on this host", () => {
  it("answers by one datagram, and what others say is passed over", async () => {
    const port = await service((request) => {
      const reply = chronyReply();
      request.copy(reply, 16, 8, 12);
      return [Buffer.from("noise"), reply];
    });
    expect((await askTimeService("chronyd", signal, port))?.offsetSeconds).toBe(-0.25);
  });

  it("that is not there or says nothing of use is unknown", async () => {
    const asked = new AbortController();
    const useless = await service(() => {
      setImmediate(() => asked.abort());
      return [Buffer.alloc(500)];
    });
    expect(await askTimeService("ntpd", asked.signal, useless)).toBeNull();
    const gone = createSocket("udp4");
    await new Promise<void>((resolve) => gone.bind(0, "127.0.0.1", resolve));
    const { port } = gone.address();
    await new Promise<void>((resolve) => gone.close(() => resolve()));
    expect(await askTimeService("chronyd", signal, port)).toBeNull();
  });

  it("is asked in a packet that is as long as its answer", () => {
    expect(chronyRequest(7)).toHaveLength(chronyReply().length);
    expect(ntpRequest(7).length % 4).toBe(0);
  });

  it("may send any bytes", () => {
    const damaged = fc
      .tuple(fc.constantFrom(chronyReply(), ntpReply("offset=1")), fc.nat(103), fc.nat(255))
      .map(([reply, at, byte]) => Buffer.from(reply).fill(byte, at % reply.length, (at % reply.length) + 1));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
        for (const parse of [parseChronyReply, parseNtpReply]) {
          const answer = parse(bytes, 7);
          for (const value of Object.values(answer ?? {})) {
            if (typeof value === "number") expect(Number.isFinite(value)).toBe(true);
          }
        }
      }),
    );
  });
});
