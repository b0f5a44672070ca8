import type { Invariant } from "../invariant.ts";

export const noLiveMemberDown: Invariant = {
  name: "no live member is down, and a dead one is down everywhere in time",
  sees: ["listed", "crash_settled"],
  watch: () => (fact) => {
    if (fact.type === "listed" && fact.live && fact.state === "down")
      return `${fact.server} lists ${fact.member} down although it lives`;
    if (fact.type !== "crash_settled") return null;
    return fact.listed.every((state) => state === "down")
      ? null
      : `${fact.member} died ${fact.afterMs} ms ago and is listed ${fact.listed.join(", ")}`;
  },
};
