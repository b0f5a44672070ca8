import { parseDecimal } from "../number-text.ts";

/** A cell of nvidia-smi: a value, or why there is none. `text` is what nvidia-smi wrote, null when it wrote nothing. */
export type Cell<Value> =
  | { readonly value: Value; readonly absence?: undefined }
  | { readonly value: null; readonly absence: Absence; readonly text: string | null };

export type Absence = "unknown" | "not_applicable";

/** What nvidia-smi writes where a card or driver does not have the thing; brackets are taken off first. */
const notApplicable: ReadonlySet<string> = new Set([
  "n/a",
  "not applicable",
  "not supported",
  "requested functionality has been deprecated",
]);

/** What nvidia-smi writes in a cell of a card that no longer answers. */
const lostText = /gpu is lost|fallen off the bus/i;
const needsResetText = /(gpu )?requires reset|reset required/i;

export type CardFault = "lost" | "requires_reset";

/** The fault that a cell tells of, if it tells of one. */
export function cardFault(text: string): CardFault | null {
  if (lostText.test(text)) return "lost";
  return needsResetText.test(text) ? "requires_reset" : null;
}

/** Why `text` is no value. Anything that is not plainly "does not exist here" is unknown. */
export function absent(text: string | null): { value: null; absence: Absence; text: string | null } {
  const bare =
    text
      ?.trim()
      .replace(/^\[(.*)\]$/, "$1")
      .toLowerCase() ?? "";
  return { value: null, absence: notApplicable.has(bare) ? "not_applicable" : "unknown", text };
}

/** Units of nvidia-smi and their factor to the base unit. */
const factors: Readonly<Record<string, number>> = {
  "": 1,
  "%": 0.01,
  "KB/s": 1000,
  "bank(s)": 1,
  C: 1,
  KiB: 1024,
  MHz: 1e6,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  W: 1,
  us: 1e-6,
  x: 1,
};

/** A number in one of `units`, in its base unit; another unit, blanks or words are no value. */
export function quantity(text: string | null, units: readonly string[]): Cell<number> {
  const match = /^(-?\d+(?:\.\d+)?) ?([A-Za-z%/()]*)$/.exec(text?.trim() ?? "");
  const number = parseDecimal(match?.[1]);
  const unit = match?.[2];
  if (number === null || unit === undefined || !units.includes(unit)) return absent(text);
  return { value: number * (factors[unit] ?? 1) };
}

/** A `quantity` that lies within `min` and `max`; one outside is unreliable, so it is unknown. */
export function quantityWithin(
  text: string | null,
  units: readonly string[],
  min: number,
  max: number,
): Cell<number> {
  const cell = quantity(text, units);
  if (cell.value === null || (cell.value >= min && cell.value <= max)) return cell;
  return { value: null, absence: "unknown", text };
}

const yes: ReadonlySet<string> = new Set(["yes", "active", "enabled"]);
const no: ReadonlySet<string> = new Set(["no", "not active", "disabled"]);

/** Yes or no, as nvidia-smi writes it (also Active, Enabled and their opposites). */
export function flag(text: string | null): Cell<boolean> {
  const word = text?.trim().toLowerCase() ?? "";
  if (yes.has(word)) return { value: true };
  return no.has(word) ? { value: false } : absent(text);
}

/** The first cell with a value; else the one that says most: unknown for a reason, then not applicable, then nothing. */
export function firstKnown<Value>(cells: readonly Cell<Value>[]): Cell<Value> {
  const known = cells.find((cell) => cell.value !== null);
  const said = cells.filter((cell) => cell.absence !== undefined && cell.text !== null);
  return known ?? said.find((cell) => cell.absence === "unknown") ?? said[0] ?? absent(null);
}
