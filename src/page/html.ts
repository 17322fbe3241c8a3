/** Text as HTML: what is put into a template is escaped, whatever it is, unless it came from a template itself. */

/** Markup that may be put into other markup. */
export class Html {
  constructor(readonly markup: string) {}
}

type Inserted = string | number | Html | undefined | false | readonly Inserted[];

/** `html`<p>${text}</p>``: markup with everything else in it escaped. Lists are joined; undefined and false are nothing. */
export function html(texts: TemplateStringsArray, ...values: Inserted[]): Html {
  return new Html(texts.reduce((all, text, i) => all + markupOf(values[i - 1]) + text));
}

function markupOf(value: Inserted): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.markup;
  if (typeof value === 'object') return value.map(markupOf).join('');
  return escaped(String(value));
}

/** Safe between tags and in quoted attributes. Characters that no page may hold, and those that turn lines around, are shown as marks. */
export function escaped(text: string): string {
  return (
    text
      .replace(/\p{Surrogate}/gu, '\ufffd')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
      .replace(/[&<>"'`]/g, (character: string) => `&#${character.charCodeAt(0)};`)
  );
}
