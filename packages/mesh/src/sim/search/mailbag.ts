// All messages that ever left, as bits of a row: a row is the voters' snapshots, then the bag.

/** Numbers of voters in a row before the bag begins. */
export const voterSlots = 3;
/** Room for 32 messages each. */
const words = 16;
export const rowLength: number = voterSlots + words;

export function has(row: Int32Array, letter: number): boolean {
  return ((row[voterSlots + (letter >> 5)] ?? 0) & (1 << (letter & 31))) !== 0;
}

/** @throws {RangeError} when the row has no room for that many distinct messages */
export function put(row: Int32Array, letter: number): void {
  const word = voterSlots + (letter >> 5);
  if (word >= rowLength) throw new RangeError(`More than ${words * 32} distinct messages.`);
  row[word] = (row[word] ?? 0) | (1 << (letter & 31));
}

/** Calls `visit` with the number of each message in the bag. */
export function eachLetter(row: Int32Array, visit: (letter: number) => void): void {
  for (let word = 0; word < words; word += 1) {
    let bits = row[voterSlots + word] ?? 0;
    while (bits !== 0) {
      visit(word * 32 + 31 - Math.clz32(bits & -bits));
      bits &= bits - 1;
    }
  }
}
