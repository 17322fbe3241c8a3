/** A dialogue's messages as they stand in its line. */
import { BagpiperError } from '../../errors.js';
import type { Role } from '../../model/index.js';
import { beside } from './lines.js';
import type { Turn } from './types.js';

const ROLES: readonly unknown[] = ['system', 'user', 'assistant'] satisfies Role[];

/**
 * Messages `[role, modality, content]` as upstream writes them.
 *
 * @param where names the line @param file paths of sounds count from its folder
 * @throws BagpiperError where a message is not of that form, or nothing is there to learn
 */
export function parseMessages(messages: unknown, where: string, file: string): Turn[] {
  if (!Array.isArray(messages)) throw new BagpiperError(`${where} has no list "messages".`);
  const turns = messages.map((message: unknown, i): Turn => {
    const at = `${where}, message ${i + 1}`;
    if (!Array.isArray(message) || message.length !== 3)
      throw new BagpiperError(`${at} is no [role, modality, content].`);
    const [role, modality, content] = message as unknown[];
    if (!ROLES.includes(role)) {
      throw new BagpiperError(`${at} has the role ${JSON.stringify(role)}; accepted are system, user and assistant.`);
    }
    if (modality !== 'text' && modality !== 'audio') {
      throw new BagpiperError(`${at} has the modality ${JSON.stringify(modality)}; accepted are text and audio.`);
    }
    if (typeof content !== 'string' || content === '') throw new BagpiperError(`${at} has no content.`);
    return modality === 'text'
      ? { role: role as Role, text: content }
      : { role: role as Role, sound: { path: beside(file, content) } };
  });
  if (!turns.some(({ role }) => role === 'assistant')) {
    throw new BagpiperError(`${where} has no message of the assistant, so there is nothing to learn from it.`);
  }
  return turns;
}
