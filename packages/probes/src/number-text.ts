const wholeNumber = /^\d{1,19}$/;

/** A non-negative whole number, or null when the text is anything else; never a guess. */
export function parseCount(text: string | undefined): number | null {
  return text !== undefined && wholeNumber.test(text) ? Number(text) : null;
}

const decimal = /^-?\d{1,19}(\.\d{1,19})?$/;

/** A plain decimal number, or null when the text is anything else. */
export function parseDecimal(text: string | undefined): number | null {
  return text !== undefined && decimal.test(text) ? Number(text) : null;
}

/** Fields of a line, split at runs of blanks. */
export function fieldsOf(line: string): string[] {
  return line.match(/\S+/g) ?? [];
}
