/** Runs as labelling and filtering leave them, and a server that speaks as the good model does. */
import { writeFileSync } from 'node:fs';
import { lineText } from '../../../src/data/run/lines.js';
import { Run } from '../../../src/data/run/run.js';
import type { Line } from '../../../src/data/types.js';
import { ScriptedEndpoint } from '../scripted-endpoint.js';
import { goodReply, judgement, type Prompted } from './model.js';
import { SCENES } from './scenes.js';

/** One example is judged badly: the imaginary request for rain. */
export function goodServer(): Promise<ScriptedEndpoint> {
  return ScriptedEndpoint.start({
    models: ['script'],
    script({ body }) {
      const asked = promptedBy(body);
      const poor = asked.schema === 'judgement' && asked.text.includes('[user]\nAn afternoon in the old shed');
      return poor ? JSON.stringify(judgement(asked.text, 2)) : goodReply(asked);
    },
  });
}

export function promptedBy(body: ScriptedEndpoint['asked'][0]['body']): Prompted {
  const texts = body.messages.map(({ content }) => String(content));
  const first = String(body.messages.find(({ role }) => role === 'user')?.content);
  const schema = body.response_format?.json_schema?.name ?? '';
  return { text: texts.join('\n'), first, schema, repair: texts.length > 2 };
}

/** A run with clips and labels of all scenes, as labelling and filtering leave them. */
export async function runWith(folder: string, filtered = false): Promise<Run> {
  const run = await Run.open(folder, { create: true });
  const clips: Line[] = [];
  const labels: Line[] = [];
  for (const { source } of SCENES) {
    const { caption, ...clip } = source;
    clips.push({ id: clip.id, result: clip });
    const label = { id: clip.id, caption, duration: 4, usage: {}, finish_reason: 'stop', model: 'm' };
    labels.push({ id: clip.id, result: label });
  }
  clips.push({ id: 'bad', error: { kind: 'unreadable', message: 'x' } });
  clips.push({ id: 'cut', result: { ...SCENES[0]!.source, id: 'cut' } });
  labels.push({
    id: 'cut',
    result: { ...(labels[0] as { result: object }).result, id: 'cut', finish_reason: 'length' } as never,
  });
  write(run, 'clips', clips);
  write(run, 'label', labels);
  if (filtered) {
    const aside = { kind: 'duration_low', message: 'x' };
    write(
      run,
      'filter',
      SCENES.map(({ source: { id } }) => (id === 'rain' ? { id, result: { id } } : { id, aside })),
    );
  }
  return run;
}

function write(run: Run, stage: string, lines: Line[]): void {
  writeFileSync(run.file(stage), lines.map(lineText).join(''));
}
