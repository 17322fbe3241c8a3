/** TTS variant, step 2: a request for the words of a clip, in the manner of its group. */
import { SetAside } from '../types.js';
import { type Asked, ask, structured } from './ask.js';
import type { Rule } from './rules.js';
import { integer, list, MalformedReply, object, text } from './shape.js';
import { itemOf } from './text.js';
import { GROUP_RULES, POSITIONS } from './tts-groups.js';
import { nameIn, type SpeechRequestCase, speechRequestRules } from './tts-rules.js';
import type { GroupSource } from './tts-voices.js';
import { randomFor, type Step, type StepContext, type Tools } from './types.js';

export interface SpeechRequested extends GroupSource {
  /** with the words in place of the placeholder */
  request: string;
  /** the manner of writing that was drawn */
  style: string;
  /** a name in a role-play persona */
  name?: string;
}

/** How a group's prompt is asked for: its values beside the common ones, and how its reply is read. */
interface Manner {
  style: string;
  values: Record<string, string>;
  known?: Partial<SpeechRequestCase>;
  schema?: Asked<unknown>['schema'];
  read: (reply: string) => Pick<SpeechRequestCase, 'request' | 'traits'>;
}

/** Before a general request in the model's reply. */
export const MARKER = 'REQUEST:';
/** Ratings of intent from 1 to 5 that are kept, from here on. */
const INTENT_LEAST = 4;
/** Error rate of recognised lyrics above which they are not trusted; ours, as upstream gives no limit. */
const LYRICS_WER = 0.2;

/** T 0.7, 512 tokens, as the recipe. */
export function speechRequestsStep(tools: Tools): Step<GroupSource, SpeechRequested> {
  return async (input, context) => {
    const { group, words, turns } = input;
    const manner = await mannerOf(tools, input, context);
    const { request } = await ask<SpeechRequestCase>(
      tools,
      {
        prompt: `tts-${group}`,
        values: {
          caption: input.caption,
          words: words.join('\n'),
          style: manner.style,
          ...manner.values,
        },
        temperature: 0.7,
        maxTokens: 512,
        ...(manner.schema && { schema: manner.schema }),
        read: (reply) => ({ group, words, turns, ...manner.known, ...manner.read(reply) }),
        rules: speechRequestRules(group),
      },
      context,
    );
    const name = group === 'role-play' ? nameIn(request) : undefined;
    return { ...input, request: filled(request, words), style: manner.style, ...(name !== undefined && { name }) };
  };
}

async function mannerOf(tools: Tools, input: GroupSource, context: StepContext): Promise<Manner> {
  const random = randomFor(tools, input.id, 'manner');
  const plainRead = (reply: string) => ({ request: unfenced(reply) });
  const style = (heading: string): string => {
    const styles = tools.prompts.groups('styles').get(heading);
    return random.pick(styles && styles.length > 0 ? styles : tools.prompts.list('styles'));
  };
  switch (input.group) {
    case 'classical': {
      const position = random.pick(POSITIONS);
      return { style: style('Classical'), values: { position }, known: { position }, read: plainRead };
    }
    case 'general': {
      const application = await applicationFor(tools, input, context);
      return { style: application, values: { application, marker: MARKER }, read: readMarked };
    }
    case 'multi-talker': {
      const shaped = structured('dialogue', DIALOGUE);
      const script = input.turns.map((turn) => `${turn.speaker}: ${turn.words}`).join('\n');
      const speakers = input.speakers.map((one) => `${one.speaker}: ${one.traits}`).join('\n');
      return { style: style('Classical'), values: { script, speakers }, schema: shaped.schema, read: shaped.read };
    }
    case 'role-play':
      return {
        style: style('Role-play'),
        values: { nudge: random.pick(tools.prompts.list('nudges')) },
        read: plainRead,
      };
    case 'intent-to-speech':
      await rateIntent(tools, input, context);
      return { style: style('Intent'), values: {}, read: plainRead };
    case 'singing':
      checkLyrics(input);
      return { style: style('Classical'), values: {}, read: plainRead };
  }
}

const DIALOGUE = object({
  request: text('the whole request with all lines'),
  traits: list(object({ speaker: text(), phrase: text('the words of the request that describe this voice') })),
});
const APPLICATIONS = object({ applications: list(text('copied exactly')) });
const RATING = object({ rating: integer(1, 5) });

export function applicationRules(drawn: readonly string[]): Rule<{ applications: string[] }>[] {
  return [
    {
      name: 'application_count',
      broken: ({ applications }) =>
        applications.length === 3 ? null : `There are ${applications.length} applications; exactly 3 are wanted.`,
    },
    {
      name: 'application_unknown',
      broken({ applications }) {
        const odd = applications.find((one) => !drawn.includes(one));
        return odd === undefined ? null : `"${odd}" is not in the list; copy three of the list exactly.`;
      },
    },
  ];
}

/** Ten of the list are drawn, the model picks three (T 0, 128 tokens), one of them is drawn. */
async function applicationFor(tools: Tools, input: GroupSource, context: StepContext): Promise<string> {
  const random = randomFor(tools, input.id, 'application');
  const chosen = structured('applications', APPLICATIONS);
  const drawn = random.shuffle(tools.prompts.list('applications')).slice(0, 10);
  const { applications } = await ask(
    tools,
    {
      prompt: 'tts-applications',
      values: {
        caption: input.caption,
        words: input.words.join('\n'),
        applications: drawn.map((one) => `- ${one}`).join('\n'),
      },
      temperature: 0,
      maxTokens: 128,
      schema: chosen.schema,
      read: (reply) => ({ applications: chosen.read(reply).applications.map((one) => itemOf(drawn, one)) }),
      rules: applicationRules(drawn),
    },
    context,
  );
  return random.pick(applications);
}

/** How much the words carry an intent (T 0, 256 tokens). @throws SetAside below 4, or for words of fewer than 5 characters */
async function rateIntent(tools: Tools, input: GroupSource, context: StepContext): Promise<void> {
  const words = input.words.join(' ');
  if (words.length < 5) {
    throw new SetAside({
      kind: 'words_short',
      message: `The words have ${words.length} characters; at least 5 are needed.`,
    });
  }
  const { rating } = await ask(
    tools,
    {
      prompt: 'tts-intent-rating',
      values: { words },
      temperature: 0,
      maxTokens: 256,
      ...structured('rating', RATING),
      rules: [],
    },
    context,
  );
  if (rating < INTENT_LEAST) {
    throw new SetAside({
      kind: 'intent_low',
      message: `The words carry little intent: ${rating} of 5; ${INTENT_LEAST} are needed.`,
    });
  }
}

function checkLyrics({ more }: GroupSource): void {
  const wer = more?.lyrics_wer;
  if (typeof wer === 'number' && wer > LYRICS_WER) {
    throw new SetAside({
      kind: 'lyrics_unreliable',
      message: `The lyrics have an error rate of ${wer}; up to ${LYRICS_WER} are accepted.`,
    });
  }
}

function readMarked(reply: string): { request: string } {
  const at = reply.lastIndexOf(MARKER);
  if (at < 0) throw new MalformedReply(`The reply must give the request after "${MARKER}".`);
  return { request: unfenced(reply.slice(at + MARKER.length)) };
}

/** A reply without code fences, and without quotation marks around all of it. */
function unfenced(reply: string): string {
  const bare = reply.replace(/^\s*```\w*\n|\n```\s*$/g, '').trim();
  return /^"[^"]*"$/.test(bare) ? bare.slice(1, -1).trim() : bare;
}

/** The request with its words in double quotation marks, unless it has put marks around the placeholder itself. */
function filled(request: string, words: readonly string[]): string {
  const spoken = words.join(' ');
  return request.replace(/(["'\u201c\u2018]?)(\[(?:TEXT|LYRICS)\])/g, (_, mark: string) =>
    mark ? `${mark}${spoken}` : `"${spoken}"`,
  );
}

/** Which rubric and threshold a group has. */
export function groupRules(group: unknown) {
  return GROUP_RULES[
    (group as keyof typeof GROUP_RULES) in GROUP_RULES ? (group as keyof typeof GROUP_RULES) : 'classical'
  ];
}
