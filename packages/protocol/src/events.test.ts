import { describe, expect, it } from "vitest";
import { checkEventData, toCloudEvent } from "./events.ts";

describe("an event", () => {
  it("passes when its data fits its name's schema", () => {
    expect(() => checkEventData({ name: "QUORUM_LOST", data: { have: 1, need: 2 } })).not.toThrow();
  });

  it("is refused naming the event and the field", () => {
    expect(() => checkEventData({ name: "QUORUM_LOST", data: { have: -1, need: 2 } })).toThrow(
      expect.objectContaining({
        code: "EVENT_INVALID",
        message: expect.stringMatching(/QUORUM_LOST.*have/),
      }),
    );
  });

  it("becomes a CloudEvent with an id unique per emitter", () => {
    const data = { nodeId: "gpu-1", reason: "no answer" };
    const event = { seq: 7, emitter: "a", name: "NODE_DOWN", time: 0, epoch: null, data } as const;
    expect(toCloudEvent(event)).toEqual({
      specversion: "1.0",
      id: "a/7",
      source: "/ringrift/a",
      type: "io.ringrift.health.node_down",
      time: "1970-01-01T00:00:00.000Z",
      datacontenttype: "application/json",
      data,
    });
    expect(toCloudEvent({ ...event, epoch: "4-1" }).epoch).toBe("4-1");
  });
});
