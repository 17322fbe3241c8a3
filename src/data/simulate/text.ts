/** What rules look at in texts: words, quoted speech, foreign letters, copied passages. */

/** Whitespace words that hold a letter or a digit. */
export function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
}

/** One spelling of quotation marks, apostrophes, dashes and white space, so that words compare by what they say. */
export function plain(text: string): string {
  return text
    .replace(/[\u2018\u2019\u02bc\u0060\u00b4]/g, "'")
    .replace(/[\u201c\u201d\u201e\u00ab\u00bb]/g, '"')
    .replace(/[\u2010-\u2015]/g, '-')
    .replace(/\u2026/g, '...')
    .replace(/\s+/g, ' ')
    .trim();
}

/**
 * Double quotes; or single ones that open before a word and close after one. An apostrophe inside a word, or at the head of
 * one that is often cut short ('em, 'cause), opens nothing.
 */
const QUOTED =
  /"([^"]+)"|(?<![\p{L}\p{N}'])'(?!(?:em|cause|cuz|til|till|bout|tis|twas|n|round|cos)\b)((?:[^']|'(?=\p{L}))+)'(?!\p{L})/giu;

/** The quoted passages of a text, in order, in plain spelling. */
export function quotationsIn(text: string): string[] {
  return [...plain(text).matchAll(QUOTED)].map((match) => (match[1] ?? match[2] ?? '').trim()).filter((q) => q !== '');
}

/** The text (in plain spelling) without its quoted passages. */
export function withoutQuotations(text: string): string {
  return plain(text).replace(QUOTED, ' ');
}

/** A quotation without the punctuation that only joins it to the sentence around it. */
export function trimmed(quotation: string): string {
  return plain(quotation)
    .replace(/^[\s.,;:-]+/, '')
    .replace(/[\s.,;:!?-]+$/, '');
}

/** Words that announce speech or song, so that even a short quotation after them was really heard. */
const SPEAKING =
  /\b(say|says|said|saying|speak|speaks|speaking|spoken|states?|stating|utter\w*|asks?|asking|asked|repl\w+|respond\w*|answer\w*|shout\w*|yell\w*|cries|crying|whisper\w*|murmur\w*|exclaim\w*|announc\w*|narrat\w*|remark\w*|recit\w*|repeat\w*|continu\w*|declar\w*|deliver\w*|sing|sings|sang|sung|singing|chant\w*|rap|raps|rapping|lyrics?|lines?|phrases?|words?|sentence|question|statement|greeting|dialogue|transcript\w*)\b/i;
/** How far before a quotation such a word may stand, in characters; and from how many words on a quotation needs none. */
const REACH = 70;
const LONG_QUOTATION = 4;

/**
 * What a caption says was spoken or sung: quotations that are long, or announced as speech; not terms between quotation
 * marks ("glitch"), and not passages repeated from a longer quotation.
 */
export function spokenIn(caption: string): string[] {
  const text = plain(caption);
  const found: string[] = [];
  for (const match of text.matchAll(QUOTED)) {
    const quotation = (match[1] ?? match[2] ?? '').trim();
    const before = text.slice(Math.max(0, match.index - REACH), match.index);
    const sentence = before.slice(before.search(/[^.!?]*$/));
    if (wordsOf(quotation).length >= LONG_QUOTATION || SPEAKING.test(sentence)) found.push(quotation);
  }
  const unique = found.filter((q, at) => trimmed(q) !== '' && found.findIndex((o) => trimmed(o) === trimmed(q)) === at);
  return unique.filter((q) => !unique.some((other) => other !== q && occurs(q, other)));
}

/** Whether the quotation's words stand exactly so in the text: every letter, but for the spelling of quotation marks. */
export function occurs(quotation: string, text: string): boolean {
  const needle = trimmed(quotation);
  const hay = plain(text);
  if (needle === '') return false;
  for (let at = hay.indexOf(needle); at >= 0; at = hay.indexOf(needle, at + 1)) {
    const before = hay[at - 1] ?? ' ';
    const after = hay[at + needle.length] ?? ' ';
    if (!/[\p{L}\p{N}]/u.test(before) && !/[\p{L}\p{N}]/u.test(after)) return true;
  }
  return false;
}

/** The first letter that is not of the Latin alphabet, if any. Latin letters with marks, digits and signs are fine. */
export function foreignLetter(text: string): string | undefined {
  return /[^\P{L}\p{Script=Latin}]/u.exec(text)?.[0];
}

/** Bare words in lower case, for comparing by content. */
export function bareWords(text: string): string[] {
  return (
    plain(text)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+(?:'[\p{L}]+)*/gu) ?? []
  );
}

/** Which share of the text's passages of n words stands in the other text too; 0 for a text with no such passage. */
export function copiedShare(text: string, from: string, n: number): number {
  const passages = passagesOf(text, n);
  if (passages.length === 0) return 0;
  const others = new Set(passagesOf(from, n));
  return passages.filter((passage) => others.has(passage)).length / passages.length;
}

function passagesOf(text: string, n: number): string[] {
  const bare = bareWords(text);
  return Array.from({ length: Math.max(0, bare.length - n + 1) }, (_, at) => bare.slice(at, at + n).join(' '));
}

/** Words that carry no content of their own. */
const SMALL = new Set(
  'a an the and or but if so as at by for from in into of off on onto out over to up with without about after before than then that this these those there here it its i me my mine we us our you your he him his she her they them their who whom whose which what when where why how is am are was were be been being do does did done have has had having will would shall should can could may might must not no nor yes just very too also only own same such all any both each few more most other some'.split(
    ' ',
  ),
);

/** Which share of the spoken words that carry content the other text gives away. */
export function leakedShare(spoken: string, text: string): number {
  const content = new Set(bareWords(spoken).filter((word) => !SMALL.has(word)));
  if (content.size === 0) return 0;
  const told = new Set(bareWords(text));
  return [...content].filter((word) => told.has(word)).length / content.size;
}

/** Sentences of a text, counted by what ends them; dots in numbers and short forms end none. */
export function sentenceCount(text: string): number {
  const ends = plain(text)
    .replace(/\b(?:Mr|Mrs|Ms|Dr|St|vs|etc|approx|e\.g|i\.e)\./gi, '')
    .replace(/\.{2,}/g, '')
    .match(/[.!?]["')\]*]*(?=\s|$)/g);
  return ends?.length ?? 0;
}

/** The item of a list that is meant: models add the dash before it, a full stop, or a capital. Else the text as it is. */
export function itemOf(items: readonly string[], text: string): string {
  const bare = (one: string): string => plain(one).replace(/^- /, '').replace(/\.$/, '').toLowerCase();
  return items.find((item) => bare(item) === bare(text)) ?? text;
}
