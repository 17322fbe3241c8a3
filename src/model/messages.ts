/** A conversation as the model sees it: who speaks, in which modality, and the content already as ids, codes or frames. */

/** Who speaks. */
export type Role = 'system' | 'user' | 'assistant';

/** What a message is made of. */
export type Modality = 'text' | 'audio';

/** Text, as ids of the text tokenizer before any offset. */
export interface TextMessage {
  role: Role;
  modality: 'text';
  textIds: ArrayLike<number>;
}

/** Sound the assistant makes: codec codes `[frames, num_stream]`, row by row, without delay, pads or offsets. */
export interface CodecMessage {
  role: 'assistant';
  modality: 'audio';
  codes: Int32Array;
}

/** Sound that comes in: a number of rows for the audio encoder's vectors, which are filled in by the language model. */
export interface ContinuousMessage {
  role: 'system' | 'user';
  modality: 'audio';
  /** Encoder vectors, see `encoderTokens`; not mel frames. */
  frames: number;
}

/** One message of a conversation. */
export type Message = TextMessage | CodecMessage | ContinuousMessage;

/** How a message's content becomes rows. */
export type ContentKind = 'text' | 'codec' | 'continuous';

/** Which of the three kinds a message is. */
export function contentKind(message: Message): ContentKind {
  if (message.modality === 'text') return 'text';
  return 'codes' in message ? 'codec' : 'continuous';
}

/** Whether a message is sound made by the assistant. */
export function isCodecMessage(message: Message): message is CodecMessage {
  return contentKind(message) === 'codec';
}
