/** Published records keep our rules (test/fixtures/data/simulate/README.md). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GENERATION_RECORD_RULES, generationCase } from '../../../src/data/simulate/records.js';
import { REALISTIC_RULES } from '../../../src/data/simulate/requests.js';
import { brokenRules } from '../../../src/data/simulate/rules.js';
import { spokenIn } from '../../../src/data/simulate/text.js';
import { THINKING_RULES } from '../../../src/data/simulate/thinking.js';
import type { JsonObject, Message } from '../../../src/data/types.js';

const path = new URL('../../fixtures/data/simulate/published.jsonl', import.meta.url);
const records = readFileSync(path, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { example_id: string; messages: Message[]; metadata: JsonObject });

describe.each(records)('$example_id', ({ example_id: id, messages, metadata }) => {
  const value = generationCase({ id, messages, metadata, audio: { uri: messages.at(-1)![2] } });

  it('comes apart into thinking of four parts and a caption', () => {
    expect(value.thinking).toMatch(/^1\. User Intent: .*\n\n4\. Generation Plan: .*$/s);
    expect(value.caption).toMatch(/^The audio clip .*\.$/s);
    expect(brokenRules(THINKING_RULES, value)).toEqual([]);
  });

  it('passes the rules of records and of requests', () => {
    expect(brokenRules(GENERATION_RECORD_RULES, value)).toEqual([]);
    expect(brokenRules(REALISTIC_RULES, { caption: value.caption, realistic: value.request, imaginary: '' })).toEqual(
      [],
    );
  });

  it('fails them when a spoken word is changed', () => {
    const word = /\b[a-z]{5,}\b/.exec(spokenIn(value.caption)[0]!)![0];
    const spoiled = value.request.replace(word, `${word}ly`);
    const kinds = brokenRules(GENERATION_RECORD_RULES, { ...value, request: spoiled }).map(({ kind }) => kind);
    expect(kinds).toEqual(['quote_missing', 'quote_changed']);
  });
});
