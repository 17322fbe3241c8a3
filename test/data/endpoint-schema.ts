/** OpenAI's schema of chat completions with sound, as far as requests can break it. */

export type ChatBodyPart =
  | { type: 'text'; text: string }
  | { type: 'input_audio'; input_audio: { data: string; format: string } };

export interface ChatBody {
  model: string;
  messages: { role: string; content: string | ChatBodyPart[] }[];
  max_tokens?: number;
  temperature?: number;
  seed?: number;
  stream?: boolean;
  response_format?: { type: string; json_schema?: { name?: string; schema?: object; strict?: boolean } };
}

const FIELDS = new Set([
  'model',
  'messages',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'seed',
  'stream',
  'response_format',
]);
const FORMATS = new Set(['wav', 'mp3', 'flac', 'ogg', 'opus', 'm4a', 'aac']);

const partsOf = ({ messages }: ChatBody): ChatBodyPart[] =>
  messages.flatMap(({ content }) =>
    typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content,
  );

/** All text of all messages, with newlines between. */
export function textOf(body: ChatBody): string {
  if (!Array.isArray(body.messages)) return '';
  return partsOf(body)
    .flatMap((part) => (part.type === 'text' ? [part.text] : []))
    .join('\n');
}

export function soundsOf(body: ChatBody): { format: string; bytes: Buffer }[] {
  if (!Array.isArray(body.messages)) return [];
  return partsOf(body).flatMap((part) =>
    part.type === 'input_audio'
      ? [{ format: part.input_audio.format, bytes: Buffer.from(part.input_audio.data, 'base64') }]
      : [],
  );
}

/** @returns what is wrong with a request; "" when nothing is */
export function objection(body: ChatBody, formats: readonly string[]): string {
  const unknown = Object.keys(body).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) return `Unrecognized request argument supplied: ${unknown}`;
  if (!Array.isArray(body.messages) || body.messages.length === 0) return "'messages' must not be empty.";
  const { max_tokens: most = 1, temperature = 1, seed = 0, stream, response_format: format } = body;
  if (!Number.isInteger(most) || most < 1) return "'max_tokens' must be a positive integer.";
  if (typeof temperature !== 'number' || temperature < 0 || temperature > 2) return "'temperature' must be in [0, 2].";
  if (!Number.isInteger(seed)) return "'seed' must be an integer.";
  if (stream) return 'This server does not stream.';
  for (const message of body.messages) {
    const wrong = messageObjection(message);
    if (wrong) return wrong;
  }
  if (!format || format.type === 'text') return '';
  if (!formats.includes(format.type)) return `Invalid value for 'response_format.type': '${format.type}'.`;
  if (format.type === 'json_schema') return schemaObjection(format.json_schema);
  return /json/i.test(textOf(body)) ? '' : "'messages' must contain the word 'json' to use 'json_object'.";
}

function messageObjection({ role, content }: ChatBody['messages'][number]): string {
  if (!['system', 'user', 'assistant'].includes(role)) return `Invalid role: '${role}'.`;
  if (typeof content === 'string') return '';
  if (!Array.isArray(content) || content.length === 0) return 'Invalid content.';
  for (const part of content) {
    if (part.type === 'text' && typeof part.text === 'string') continue;
    if (part.type !== 'input_audio') return `Invalid content part: '${part.type}'.`;
    if (role !== 'user') return 'Sound is taken from users only.';
    const { data, format } = part.input_audio;
    if (!FORMATS.has(format)) return `Invalid audio format: '${format}'.`;
    if (data === '' || data.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(data)) return 'Invalid base64.';
  }
  return '';
}

function schemaObjection(wanted: { name?: string; schema?: object } | undefined): string {
  if (!wanted?.name || !/^[\w-]{1,64}$/.test(wanted.name)) return "Invalid 'response_format.json_schema.name'.";
  return wanted.schema ? '' : "Missing 'response_format.json_schema.schema'.";
}
