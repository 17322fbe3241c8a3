/**
 * English function words: what prose of any subject is held together by. Nearly half of the words of an English caption
 * are among these; of other languages' texts hardly more than a tenth, so words that other languages use as often
 * ("me", "on", "die", "van", "son") are left out.
 */
import { FNV } from './hashing.js';

const WORDS = `
the of and to is that it with as for was are be this by from or an at his her they their its has have had not but which
were been there all who more when will would can could if into than then them these those such some other only over about
between through during throughout while where after before under within without against toward towards along across above
below upon both each every any many much most few several own same so also very what how whose he she we you your our i
being does did do no nor neither either yet because though although however since until once again just still even rather
quite almost perhaps another himself herself itself themselves here now up down out off around behind beyond beneath near
may might must should cannot it's there's don't isn't doesn't a in
`;

const table = new Int32Array(1024);
const mask = table.length - 1;

for (const word of WORDS.trim().split(/\s+/)) {
  let hash = FNV;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  let slot = hash & mask;
  while (table[slot] !== 0) slot = (slot + 1) & mask;
  table[slot] = hash;
}

/** @param hash FNV-1a of the word's units, in lower case and without punctuation */
export function isFunctionWord(hash: number): boolean {
  let slot = hash & mask;
  while (table[slot] !== 0) {
    if (table[slot] === hash) return true;
    slot = (slot + 1) & mask;
  }
  return false;
}
