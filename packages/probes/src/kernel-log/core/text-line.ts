import { parseDecimal } from "../../number-text.ts";
import { type Moment, wallTime } from "./kernel-line.ts";
import { parseKmsgRecord } from "./kmsg-record.ts";

/** A line of a plain file: the kernel's message, and when it was written where the line says so. */
export interface TextLine {
  readonly at: number | null;
  readonly message: string;
}

const level = /^<\d{1,3}>/;
const sinceBoot = /^\[ *(\d+\.\d+)\]\s?/;
/** `dmesg -T`: `[Sun Feb 23 16:24:18 2025] `. */
const dmesgDate = /^\[\w{3} (\w{3}) +(\d+) (\d\d):(\d\d):(\d\d) (\d{4})\]\s?/;
/** `dmesg --time-format iso`, and rsyslog's default of today. */
const isoDate = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,]\d+)?(Z|[+-]\d\d:?\d\d)\s/;
/** The traditional form of syslog, which has no year. */
const syslogDate = /^(\w{3}) +(\d+) (\d\d):(\d\d):(\d\d)\s/;
const hostAndKernel = /^\S+ kernel(?:\[\d+\])?: /;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const daySeconds = 86_400;

/** Reads a line as dmesg, rsyslog or `cat /dev/kmsg` write it; text without a known stamp is the message itself. */
export function parseTextLine(text: string, now: Moment): TextLine {
  const record = parseKmsgRecord(text);
  if (record !== null) return { at: wallTime(record.microseconds / 1e6, now), message: record.message };
  const bare = text.replace(level, "");
  const dated = stripDate(bare, now);
  const rest = dated.rest.replace(hostAndKernel, "").replace(/^kernel: /, "");
  const stamp = sinceBoot.exec(rest);
  if (stamp === null) return { at: dated.at, message: rest };
  const seconds = parseDecimal(stamp[1]);
  return {
    at: dated.at ?? (seconds === null ? null : wallTime(seconds, now)),
    message: rest.slice(stamp[0].length),
  };
}

function stripDate(text: string, now: Moment): { readonly at: number | null; readonly rest: string } {
  const iso = isoDate.exec(text);
  if (iso !== null) {
    const zone = (iso[2] ?? "Z").replace(/^([+-]\d\d)(\d\d)$/, "$1:$2");
    return { at: orNull(Date.parse(`${iso[1] ?? ""}${zone}`) / 1000), rest: text.slice(iso[0].length) };
  }
  const dmesg = dmesgDate.exec(text);
  if (dmesg !== null) {
    const [, month, day, hour, minute, second, year] = dmesg;
    return {
      at: localTime(Number(year), month, day, hour, minute, second),
      rest: text.slice(dmesg[0].length),
    };
  }
  const syslog = syslogDate.exec(text);
  if (syslog === null) return { at: null, rest: text };
  const [, month, day, hour, minute, second] = syslog;
  const year = new Date(now.wall * 1000).getFullYear();
  const thisYear = localTime(year, month, day, hour, minute, second);
  // A line of December read in January.
  const future = thisYear !== null && thisYear > now.wall + daySeconds;
  return {
    at: future ? localTime(year - 1, month, day, hour, minute, second) : thisYear,
    rest: text.slice(syslog[0].length),
  };
}

function localTime(year: number, month = "", day = "", hour = "", minute = "", second = ""): number | null {
  const index = months.indexOf(month);
  if (index < 0) return null;
  const date = new Date(year, index, Number(day), Number(hour), Number(minute), Number(second));
  return orNull(date.getTime() / 1000);
}

function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
