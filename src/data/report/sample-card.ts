/** A clip on the page: sound, picture, caption, dialogues. */
import { type Html, html, short } from '../../page/index.js';
import type { Sample, Spoken } from './samples.js';

export function sampleCard({ clip, label, dialogues, sound, picture, note }: Sample): Html {
  const { id, seconds, dataset, kind, transcript, audio } = clip;
  const facts = [`${short(seconds)} s`, dataset, kind].filter(Boolean).join(' · ');
  return html`<article class="card sample"><div>
<h3>${id}</h3>
${picture && html`<img src="${picture}" alt="spectrogram of ${id}" width="800" height="260">`}
${sound && html`<audio controls preload="metadata" src="${sound}"></audio>`}
${note && html`<p class="faint">${note}</p>`}
<p class="faint">${facts}</p>
<p class="id">${audio.uri}${audio.start !== undefined && ` ${short(audio.start)} to ${short(audio.end ?? 0)} s`}</p>
</div><div>
${label ? html`<p class="text">${label.caption.trim()}</p><p class="faint">${endOf(label.finish_reason)}${label.model}</p>` : html`<p class="none">no caption</p>`}
${transcript !== undefined && html`<details><summary>What is said, by its source</summary><p class="text">${transcript}</p></details>`}
${dialogues.map(dialogueOf)}
</div></article>`;
}

function endOf(reason: string): Html {
  return reason === 'stop' ? html`` : html`<span class="mark bad">${reason}</span> `;
}

function dialogueOf({ variant, dialogue, judged, rejected }: Spoken): Html {
  const verdict = rejected
    ? html`<span class="mark bad">not kept</span>`
    : judged && html`<span class="mark good">kept</span>`;
  const score = judged && html` <span class="faint">${judged.overall_score.toFixed(2)}</span>`;
  const request = dialogue.messages.find(([role, modality]) => role === 'user' && modality === 'text')?.[2] ?? '';
  return html`<details><summary>${variant}${judged && ` (${judged.part})`} ${verdict}${score} ${excerpt(request)}</summary>
<p class="id">${dialogue.id}</p>${rejected && html`<p class="bad">${rejected}</p>`}
${dialogue.messages.map(
  ([role, modality, content]) =>
    html`<div class="turn ${role}"><b>${role}</b>${modality === 'audio' ? html`<span class="faint">(the sound)</span>` : html`<div class="text">${thinkingIn(content)}</div>`}</div>`,
)}</details>`;
}

/** The part between the words of thinking stands back. */
function thinkingIn(text: string): Html {
  const parts = text.split(/(<think>[\s\S]*?<\/think>)/);
  return html`${parts.map((part) => (part.startsWith('<think>') ? html`<span class="thinking">${part}</span>` : part))}`;
}

function excerpt(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= 90 ? line : `${line.slice(0, 88).replace(/\p{Surrogate}$/u, '')} …`;
}
