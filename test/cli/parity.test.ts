import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ParityLine } from '../../src/engine/parity.js';
import { bagpiper } from './terminal.js';

const lines: ParityLine[] = [];
vi.mock('../../src/engine/parity.js', () => ({ checkFolder: async () => lines }));
beforeEach(() => {
  lines.length = 0;
});

const good: ParityLine = { name: 'logits/a', error: 1.25e-6, tolerance: 1e-4, ok: true, required: true };

describe('parity', () => {
  it('prints a line a tensor with its error', async () => {
    lines.push(good, { ...good, name: 'logits/b_quirk', error: 0.5, ok: false, required: false });
    const { code, out, err } = await bagpiper(['parity', 'somewhere']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(
      'ok    logits/a  max abs error 1.25e-6 (tolerance 1.00e-4)\n' +
        'note  logits/b_quirk  max abs error 5.00e-1 (tolerance 1.00e-4)  not required\n',
    );
  });

  it('ends with 1 when a required line fails', async () => {
    lines.push(good, { ...good, name: 'ids', error: 'the file lacks "ids"', ok: false });
    const { code, out } = await bagpiper(['parity', 'somewhere', '--json']);
    expect(code).toBe(1);
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(lines);
  });

  it('refuses a folder in which nothing can be compared', async () => {
    const { code, complaints } = await bagpiper(['parity', 'somewhere']);
    expect({ code, lines: complaints.length }).toEqual({ code: 2, lines: 1 });
  });
});
