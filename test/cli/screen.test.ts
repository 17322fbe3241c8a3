import { describe, expect, it } from 'vitest';
import { Screen } from '../../src/cli/screen.js';
import { Recorder } from './terminal.js';

function screens(tty: boolean, env: Record<string, string> = {}, options = {}) {
  const stdout = new Recorder(tty);
  const stderr = new Recorder(tty);
  const stdin = Object.assign(new (class extends Recorder {})(), {}) as unknown as NodeJS.ReadableStream;
  return { stdout, stderr, screen: new Screen({ stdin, stdout, stderr, env }, options) };
}

describe('Screen on a pipe', () => {
  it('writes results alone to stdout, and no progress', async () => {
    const { screen, stdout, stderr } = screens(false);
    screen.progress('Working');
    screen.text('caption', 'Rain');
    screen.warn('It was\nlong.');
    await screen.result('Rain falls.');
    expect(stdout.text).toBe('Rain falls.\n');
    expect(stderr.text).toBe('warning: It was long.\n');
  });

  it('says nothing but errors when quiet', async () => {
    const { screen, stderr } = screens(false, {}, { quiet: true });
    screen.warn('long');
    screen.note('note');
    screen.error('broken');
    expect(stderr.text).toBe('bagpiper: broken\n');
  });

  it('rejects when stdout takes no more', async () => {
    const { screen, stdout } = screens(false);
    stdout._write = (_piece, _encoding, done: (error?: Error) => void) => done(new Error('full'));
    stdout.on('error', () => {});
    await expect(screen.result('x')).rejects.toThrow('full');
  });
});

describe('Screen on a terminal', () => {
  it('shows text under headings as it comes', () => {
    const { screen, stdout } = screens(true, { NO_COLOR: '1' });
    screen.text('caption', 'A dog');
    screen.text('caption', ' barks.');
    screen.text('answer', '\nTwice.');
    screen.endText();
    expect(stdout.text).toBe('Caption\nA dog barks.\n\nAnswer\nTwice.\n');
  });

  it('colours only without NO_COLOR', () => {
    expect(screens(true).screen.paint('red', 'x')).toBe('\x1b[31mx\x1b[39m');
    expect(screens(true, { NO_COLOR: '' }).screen.paint('red', 'x')).toBe('\x1b[31mx\x1b[39m');
    expect(screens(true, { NO_COLOR: '1' }).screen.paint('red', 'x')).toBe('x');
    expect(screens(true, { TERM: 'dumb' }).screen.paint('red', 'x')).toBe('x');
    expect(screens(false).screen.paint('red', 'x')).toBe('x');
  });

  it('clears the progress line before anything else', async () => {
    const { screen, stdout, stderr } = screens(true, { NO_COLOR: '1' });
    screen.progress('Working');
    screen.progress('Working');
    await screen.result('done');
    expect(stderr.text).toBe('\r\x1b[KWorking\r\x1b[K');
    expect(stdout.text).toBe('done\n');
  });

  it('lets no text steer the terminal', () => {
    const { screen, stdout, stderr } = screens(true, { NO_COLOR: '1' });
    screen.text('caption', 'a\x1b[2Jb\x07\r\u009bc');
    screen.error('x\x1b]0;title\x07\ny');
    expect(stdout.text).toBe('Caption\na[2Jbc\n');
    expect(stderr.text).toBe('bagpiper: x]0;title y\n');
  });
});
