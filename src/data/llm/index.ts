/**
 * data/llm/: language models for stages. `openChat` gives a client for one or many OpenAI-compatible endpoints that keeps many
 * requests going within rates and budget; `askChecked` and `askJson` ask for replies that keep to rules. docs/data-endpoints.md.
 */
export { askChecked, askJson, type ReplyCheck } from './checked.js';
export type { ChatState, OpenAiChat } from './client.js';
export { objectIn, type SchemaCheck, schemaCheck } from './json.js';
export { openChat } from './open.js';
export { type ChatExtras, type ChatSettings, chatPlan, type Prices } from './options.js';
export type { ChatClient, ChatMessage, ChatPart, ChatReply, ChatRequest } from './types.js';
