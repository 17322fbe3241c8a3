/** Word error rate: how far heard words are from the words that were said. */

/** Differences of an alignment; `reference` is the number of words that were said. */
export interface WordErrors {
  reference: number;
  substitutions: number;
  insertions: number;
  deletions: number;
}

export const NO_WORDS: Readonly<WordErrors> = { reference: 0, substitutions: 0, insertions: 0, deletions: 0 };

/** The words of a text as they are compared: lower case, letters, digits and inner apostrophes alone. */
export function spokenWords(text: string): string[] {
  return (
    text
      .toLowerCase()
      .replace(/\u2019/g, "'")
      .match(/[a-z0-9]+(?:'[a-z0-9]+)*/g) ?? []
  );
}

/**
 * The alignment with the fewest differences (Levenshtein 1966, each difference costs 1). Among several such alignments the
 * one with the most substitutions at the end is counted, so the split into kinds is deterministic.
 */
export function alignWords(said: readonly string[], heard: readonly string[]): WordErrors {
  const width = heard.length + 1;
  const cost = new Uint32Array((said.length + 1) * width);
  for (let j = 0; j < width; j++) cost[j] = j;
  for (let i = 1; i <= said.length; i++) {
    cost[i * width] = i;
    for (let j = 1; j < width; j++) {
      const replaced = cost[(i - 1) * width + j - 1] + (said[i - 1] === heard[j - 1] ? 0 : 1);
      cost[i * width + j] = Math.min(replaced, cost[(i - 1) * width + j] + 1, cost[i * width + j - 1] + 1);
    }
  }
  const errors = { ...NO_WORDS, reference: said.length };
  let i = said.length;
  let j = heard.length;
  while (i > 0 || j > 0) {
    const here = cost[i * width + j];
    const same = i > 0 && j > 0 && said[i - 1] === heard[j - 1];
    if (i > 0 && j > 0 && cost[(i - 1) * width + j - 1] + (same ? 0 : 1) === here) {
      if (!same) errors.substitutions++;
      i--;
      j--;
    } else if (i > 0 && cost[(i - 1) * width + j] + 1 === here) {
      errors.deletions++;
      i--;
    } else {
      errors.insertions++;
      j--;
    }
  }
  return errors;
}

/** The sums over several texts. */
export function addErrors(all: Iterable<WordErrors>): WordErrors {
  const sum = { ...NO_WORDS };
  for (const { reference, substitutions, insertions, deletions } of all) {
    sum.reference += reference;
    sum.substitutions += substitutions;
    sum.insertions += insertions;
    sum.deletions += deletions;
  }
  return sum;
}

/** Substitutions, insertions and deletions together. */
export function differences({ substitutions, insertions, deletions }: WordErrors): number {
  return substitutions + insertions + deletions;
}
