import { describe, expect, it } from 'vitest';
import { escaped, html, ticks } from '../../src/page/index.js';

const HOSTILE = 'A line that is \u202etupsni-reverof\u202c, a bell \u0007, half a pair \ud83d, and &amp; as it is.';

describe('pages', () => {
  it('marks axes with round numbers', () => {
    expect(ticks(0, 30, 6)).toEqual([0, 5, 10, 15, 20, 25, 30]);
    expect(ticks(3, 4.2, 6).map((tick) => Number(tick.toFixed(6)))).toEqual([3, 3.2, 3.4, 3.6, 3.8, 4, 4.2]);
  });

  it('escapes whatever no template made', () => {
    expect(html`<p title="${'"'}">${['<', html`<b>${'&'}</b>`]}${undefined}${false}${0}</p>`.markup).toBe(
      '<p title="&#34;">&#60;<b>&#38;</b>0</p>',
    );
    expect(escaped(HOSTILE)).toBe(
      'A line that is \ufffdtupsni-reverof\ufffd, a bell \ufffd, half a pair \ufffd, and &#38;amp; as it is.',
    );
  });
});
