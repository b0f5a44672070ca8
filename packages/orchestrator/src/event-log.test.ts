import { describe, expect, it } from "vitest";
import { EventLog } from "./event-log.ts";

const down = (nodeId: string) => ({ name: "NODE_DOWN", data: { nodeId, reason: "silent" } }) as const;

describe("the event log", () => {
  it("numbers events from one and pages after a number", () => {
    const log = new EventLog({ emitter: "server-1" });
    for (const id of ["a", "b", "c"]) log.append(down(id), 1, "0.1");
    const page = log.after(1, 1);
    expect(page.events.map((event) => event.seq)).toEqual([2]);
    expect(page).toMatchObject({ lastSeq: 3, lost: 0 });
  });

  it("says how many of the asked-for events are no longer kept", () => {
    const log = new EventLog({ emitter: "server-1", capacity: 2 });
    for (const id of ["a", "b", "c", "d"]) log.append(down(id), 1, null);
    expect(log.after(1, 10)).toMatchObject({ lost: 1, lastSeq: 4 });
    expect(log.after(1, 10).events.map((event) => event.seq)).toEqual([3, 4]);
    expect(log.after(4, 10)).toEqual({ events: [], lastSeq: 4, lost: 0 });
  });

  it("refuses an event whose data does not fit its schema, naming the field", () => {
    const log = new EventLog({ emitter: "server-1" });
    expect(() => log.append(down(""), 1, null)).toThrow(/NODE_DOWN.*nodeId/);
  });

  it("tells its subscribers until they leave", () => {
    const log = new EventLog({ emitter: "server-1" });
    const seen: number[] = [];
    const leave = log.subscribe((event) => seen.push(event.seq));
    log.append(down("a"), 1, null);
    leave();
    log.append(down("b"), 1, null);
    expect(seen).toEqual([1]);
  });
});
