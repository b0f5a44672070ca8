import { describe, expect, test } from "vitest";
import {
  createRegister,
  emptyRegister,
  maxRegisterLength,
  type RegisterEffect,
  type RegisterMessage,
  type RegisterState,
  stepRegister,
} from "./register.ts";

const voters = ["a", "b", "c"];

function at(self: string, persisted = emptyRegister): RegisterState {
  return createRegister(self, voters, persisted);
}

function tell(state: RegisterState, from: string, message: RegisterMessage): RegisterEffect[] {
  return stepRegister(state, { type: "message", from, message });
}

function kinds(effects: readonly RegisterEffect[]): string[] {
  return effects.map((effect) =>
    effect.type === "send" ? `${effect.message.type} to ${effect.to}` : effect.type,
  );
}

/** Voter `a` as it leads term 1 and is ready. */
function ready(): RegisterState {
  const state = at("a");
  stepRegister(state, { type: "lead", term: 1 });
  tell(state, "b", { type: "read_reply", term: 1, stored: emptyRegister.stored });
  expect(kinds(tell(state, "b", { type: "write_reply", term: 1, version: 0 }))).toEqual(["ready"]);
  return state;
}

describe("whoever is elected", () => {
  test("reads a majority and writes the newest value back before it announces itself", () => {
    const state = at("a", { promised: 2, stored: { term: 2, version: 3, value: "mine" } });
    expect(kinds(stepRegister(state, { type: "lead", term: 4 }))).toEqual([
      "persist",
      "read to b",
      "read to c",
    ]);
    const newer = { term: 3, version: 4, value: "newer" };
    expect(tell(state, "c", { type: "read_reply", term: 4, stored: newer })).toEqual([
      { type: "persist", promised: 4, stored: { ...newer, term: 4 } },
      { type: "send", to: "b", message: { type: "write", written: { ...newer, term: 4 } } },
      { type: "send", to: "c", message: { type: "write", written: { ...newer, term: 4 } } },
    ]);
    expect(tell(state, "b", { type: "write_reply", term: 4, version: 4 })).toEqual([
      { type: "ready", value: { ...newer, term: 4 } },
    ]);
  });

  test("takes a value of a later term for newer whatever the versions", () => {
    const state = at("a", { promised: 2, stored: { term: 2, version: 9, value: "old" } });
    stepRegister(state, { type: "lead", term: 4 });
    tell(state, "b", { type: "read_reply", term: 4, stored: { term: 3, version: 1, value: "new" } });
    expect(state.stored).toEqual({ term: 4, version: 1, value: "new" });
  });

  test("alone is ready at once", () => {
    const state = createRegister("a", ["a"], emptyRegister);
    expect(kinds(stepRegister(state, { type: "lead", term: 1 }))).toEqual(["persist", "persist", "ready"]);
    expect(kinds(stepRegister(state, { type: "write", value: "x" }))).toEqual(["persist", "committed"]);
  });

  test("asks again those that did not answer", () => {
    const state = at("a");
    stepRegister(state, { type: "lead", term: 1 });
    expect(kinds(stepRegister(state, { type: "tick" }))).toEqual(["read to b", "read to c"]);
  });
});

describe("a write", () => {
  test("is acknowledged once a majority has it on disk, counting each voter once", () => {
    const five = createRegister("a", ["a", "b", "c", "d", "e"], emptyRegister);
    stepRegister(five, { type: "lead", term: 1 });
    for (const from of ["b", "c"]) tell(five, from, { type: "read_reply", term: 1, stored: five.stored });
    for (const from of ["b", "c"]) tell(five, from, { type: "write_reply", term: 1, version: 0 });
    stepRegister(five, { type: "write", value: "x" });
    const yes: RegisterMessage = { type: "write_reply", term: 1, version: 1 };
    expect([...tell(five, "b", yes), ...tell(five, "b", yes), ...tell(five, "z", yes)]).toEqual([]);
    expect(kinds(tell(five, "d", yes))).toEqual(["committed"]);
  });

  test("waits for the one before it, and too long a value is not taken", () => {
    const state = ready();
    expect(stepRegister(state, { type: "write", value: "x".repeat(maxRegisterLength + 1) })).toEqual([]);
    expect(stepRegister(state, { type: "write", value: "1" })).not.toEqual([]);
    expect(stepRegister(state, { type: "write", value: "2" })).toEqual([]);
  });

  test("of a leader that has lost the lead is not begun", () => {
    const state = ready();
    stepRegister(state, { type: "follow" });
    expect(stepRegister(state, { type: "write", value: "x" })).toEqual([]);
  });

  test("an answer to an earlier write does not count for this one", () => {
    const state = ready();
    stepRegister(state, { type: "write", value: "x" });
    expect(tell(state, "b", { type: "write_reply", term: 1, version: 0 })).toEqual([]);
    expect(tell(state, "b", { type: "write_reply", term: 0, version: 1 })).toEqual([]);
  });
});

describe("a voter", () => {
  test("has its promise on disk before it answers a read", () => {
    expect(kinds(tell(at("b"), "a", { type: "read", term: 2 }))).toEqual(["persist", "read_reply to a"]);
  });

  test("has the value on disk before it acknowledges a write", () => {
    const written = { term: 2, version: 1, value: "x" };
    expect(tell(at("b"), "a", { type: "write", written })).toEqual([
      { type: "persist", promised: 2, stored: written },
      { type: "send", to: "a", message: { type: "write_reply", term: 2, version: 1 } },
    ]);
  });

  test("refuses reads and writes below its promise, across a restart too", () => {
    const state = at("b", { promised: 5, stored: emptyRegister.stored });
    expect(tell(state, "a", { type: "read", term: 4 })).toEqual([]);
    expect(tell(state, "a", { type: "write", written: { term: 4, version: 1, value: "x" } })).toEqual([]);
    expect(state.stored).toEqual(emptyRegister.stored);
  });

  test("a write that comes again, or late, replaces nothing newer", () => {
    const state = at("b");
    const first = { term: 2, version: 1, value: "x" };
    tell(state, "a", { type: "write", written: { term: 2, version: 2, value: "y" } });
    expect(kinds(tell(state, "a", { type: "write", written: first }))).toEqual(["write_reply to a"]);
    expect(state.stored.value).toBe("y");
  });

  test("leads no longer once it promised a later term to another", () => {
    const state = ready();
    tell(state, "b", { type: "read", term: 2 });
    expect(stepRegister(state, { type: "write", value: "x" })).toEqual([]);
    expect(stepRegister(state, { type: "lead", term: 1 })).toEqual([]);
  });

  test("strangers are not heard", () => {
    expect(tell(at("b"), "z", { type: "read", term: 2 })).toEqual([]);
    expect(tell(at("b"), "b", { type: "read", term: 2 })).toEqual([]);
  });
});
