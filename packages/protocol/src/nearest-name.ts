/** The known name that a mistyped one most likely means, or null when none is near. */
export function nearestName(typed: string, known: readonly string[]): string | null {
  const longest = 200;
  if (typed.length > longest) return null;
  let best: string | null = null;
  // Two mistakes in three letters would make any name near.
  const furthest = typed.length <= 3 ? 1 : Math.max(2, Math.floor(typed.length / 3));
  let bestDistance = furthest + 1;
  for (const name of known) {
    const distance = distanceOf(typed.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** A name cut short is nearer than any other mistake. */
function distanceOf(typed: string, name: string): number {
  return typed.length >= 3 && name.startsWith(typed) ? 1 : editDistance(typed, name);
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const change = left[i - 1] === right[j - 1] ? 0 : 1;
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + change));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
