// core: pure

interface Named {
  readonly role: "server" | "agent";
  readonly id: string;
}

// Made when it is needed: an agent tells of one host and never sorts.
let naturalOrder: Intl.Collator | undefined;

/** Servers first; "gpu-10" after "gpu-9". */
export function byRoleAndId(a: Named, b: Named): number {
  if (a.role !== b.role) return a.role === "server" ? -1 : 1;
  naturalOrder ??= new Intl.Collator("en", { numeric: true });
  return naturalOrder.compare(a.id, b.id);
}
