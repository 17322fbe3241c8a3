/** What stages ask language models, and how. */
import type { JsonObject, Usage } from '../types.js';

export type ChatPart =
  | { type: 'text'; text: string }
  /**
   * `data` is the base64 of a file's bytes, `format` its suffix. A function is called each time the request goes out, and what it
   * gives is let go with that: so requests that wait for a turn or for an answer hold no sound.
   */
  | { type: 'input_audio'; input_audio: { data: string | (() => string | Promise<string>); format: string } };

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string | ChatPart[];
}

export interface ChatRequest {
  messages: ChatMessage[];
  temperature?: number;
  maxTokens?: number;
  seed?: number;
  /** a JSON schema: the server is asked for `response_format` of this kind, and the reply is checked against it */
  schema?: { name: string; schema: JsonObject };
}

export interface ChatReply {
  text: string;
  /** as the server says: "stop", "length", ... */
  finishReason: string;
  usage: Usage;
  model: string;
}

/** A language model behind one or many OpenAI-compatible endpoints. */
export interface ChatClient {
  /** the model's name, as it is asked for */
  readonly model: string;
  /**
   * Waits for limits of rate, tries again what may pass, changes endpoints.
   *
   * @throws RecordError for what failed for good with this request; BagpiperError for what concerns all requests (budget
   *   spent, key refused, no such model); the signal's reason
   */
  chat(request: ChatRequest, signal: AbortSignal): Promise<ChatReply>;
  close(): Promise<void>;
}
