/** Where a page is served: `PORT` or `HOST:PORT`. */
import { BagpiperError } from '../errors.js';

/**
 * @param option its name, for the error @param text undefined: the usual place
 * @throws BagpiperError for what is no port
 */
export function pageAddress(option: string, text: string | undefined): { host?: string; port?: number } {
  if (text === undefined) return {};
  const [, bracketed, plain, digits] = /^(?:(?:\[([\da-fA-F:.]+)\]|([\w.-]+)):)?(\d{1,5})$/.exec(text.trim()) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65535) {
    throw new BagpiperError(
      `${option} is "${text}"; a port from 0 (any that is free) to 65535 is accepted, or HOST:PORT, as in 0.0.0.0:8321.`,
    );
  }
  const host = bracketed ?? plain;
  return { port, ...(host !== undefined && { host }) };
}
