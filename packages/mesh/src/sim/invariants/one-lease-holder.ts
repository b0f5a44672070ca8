import type { Invariant } from "../invariant.ts";

export const oneLeaseHolder: Invariant = {
  name: "never two lease holders",
  watch: () => ({
    onInstant: (holders) =>
      holders.length > 1 ? `${holders.join(" and ")} hold a lease at the same instant` : null,
  }),
};
