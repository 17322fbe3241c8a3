/** Sequences of up to so many letters are compared. */
const LONGEST = 6;
/** How much more it counts that the reference is covered than that nothing is said beside it. */
const BETA = 2;

/**
 * How much a text is like a reference, from 0 to 1: chrF (Popović 2015), the F2 score of their sequences of one to six
 * characters, spaces left out, as sacreBLEU 2 computes it by default. Needs no tokenizer, and inflected words still count.
 */
export function likeness(text: string, reference: string): number {
  const [a, b] = [text, reference].map((words) => [...words.replace(/\s+/g, '')]);
  let [precision, recall, orders] = [0, 0, 0];
  for (let n = 1; n <= LONGEST; n++) {
    const [mine, theirs] = [a, b].map((letters) => sequences(letters, n));
    const [said, wanted] = [a, b].map((letters) => Math.max(0, letters.length - n + 1));
    // Neither precision nor recall is defined where a text has no sequence that long.
    if (said === 0 || wanted === 0) continue;
    let both = 0;
    for (const [sequence, count] of mine) both += Math.min(count, theirs.get(sequence) ?? 0);
    precision += both / said;
    recall += both / wanted;
    orders++;
  }
  if (precision + recall === 0) return 0;
  return ((1 + BETA ** 2) * precision * recall) / orders / (BETA ** 2 * precision + recall);
}

function sequences(letters: readonly string[], length: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + length <= letters.length; i++) {
    const sequence = letters.slice(i, i + length).join('');
    counts.set(sequence, (counts.get(sequence) ?? 0) + 1);
  }
  return counts;
}
