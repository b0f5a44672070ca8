// core: pure
import { descend, type SmiElement, textAt } from "./smi-document.ts";
import { type Cell, quantity, quantityWithin } from "./smi-value.ts";

/** A process with a context on a card. */
export interface GpuProcess {
  readonly pid: number;
  /** `C` computes, `G` draws, `C+G` does both; `M` and `M+C` work through a server for several processes. */
  readonly type: string;
  readonly name: string;
  readonly memoryBytes: Cell<number>;
}

const maxProcesses = 256;

/** The processes of a card as its driver lists them: null when it lists none because it may not. */
export function parseGpuProcesses(card: SmiElement): readonly GpuProcess[] | null {
  const list = descend(card, "processes");
  if (list === null || (list.children.length === 0 && list.text !== "" && list.text !== "None")) return null;
  const items = list.children.filter((child) => child.name === "process_info").slice(0, maxProcesses);
  const processes = items.flatMap((item) => {
    const pid = quantity(textAt(item, "pid"), [""]).value;
    if (pid === null) return [];
    return [
      {
        pid,
        type: (textAt(item, "type") ?? "").slice(0, 8),
        name: (textAt(item, "process_name") ?? "").slice(0, 200),
        memoryBytes: quantityWithin(
          textAt(item, "used_memory"),
          ["KiB", "MiB", "GiB"],
          0,
          Number.MAX_SAFE_INTEGER,
        ),
      },
    ];
  });
  // One that can't be read makes the list one that is not known.
  return processes.length === items.length ? processes : null;
}
