/** Requests that a scene would fulfil, as people ask for sound, and the four-part thinking that leads to its caption. */
import type { Random } from '../../random.js';
import type { RenderRequest, Scene } from '../scene.js';
import { listing } from './forms.js';
import { withArticle } from './phrases.js';
import { AMBIENCE_SURFACES, eventSurface, INSTRUMENT_SURFACES } from './surfaces.js';

/** One plain wish and one situation that implies the scene. */
export function requests(scene: Scene, random: Random): RenderRequest[] {
  const parts = wishes(scene, random);
  const start = random.pick(['I need', 'I want', 'Please make', 'Can you make', 'Give me', 'I would like']);
  const realistic = `${start} ${random.pick(['a recording with', 'a clip with', 'audio with', 'a sound with'])} ${listing(parts)}.`;
  const frame = random.pick([
    ['Imagine that you close your eyes and hear', 'What does it sound like?'],
    ['In my story, the reader hears', 'Let me hear it.'],
    ['Picture a short film where there is', 'Make its sound.'],
    ['I dreamed of', 'Turn the dream into sound.'],
  ]);
  const imaginary = `${frame[0]} ${listing(parts)}. ${frame[1]}`;
  return [
    { style: 'realistic', text: realistic, thinking: thinking(scene, parts, 'asks for', random) },
    { style: 'imaginary', text: imaginary, thinking: thinking(scene, parts, 'imagines', random) },
  ];
}

/** What must be heard, as noun phrases in the order speech, music, events, ambience. */
function wishes(scene: Scene, random: Random): string[] {
  const out: string[] = [];
  for (const turn of scene.speech) {
    const { gender, age } = scene.speakers[turn.speaker];
    const child = gender === 'man' ? 'boy' : 'girl';
    const who = age === 'child' ? child : age === 'adult' ? gender : `${age === 'elderly' ? 'old' : 'young'} ${gender}`;
    out.push(`${withArticle(who)} ${random.pick(['saying', 'who says', 'speaking the words'])} "${turn.sentence}"`);
  }
  const { music, ambience } = scene;
  if (music) {
    const instruments = music.instruments.map((id) => INSTRUMENT_SURFACES[id]).join(' and ');
    out.push(`${music.tempo === 'medium' ? 'moderate' : music.tempo} ${music.mood} music on ${instruments}`);
  }
  for (const event of scene.events) out.push(eventSurface(event.label).noun);
  if (ambience) out.push(`${AMBIENCE_SURFACES[ambience.label]} in the background`);
  return out.length > 0 ? out : ['silence'];
}

function thinking(scene: Scene, parts: readonly string[], verb: string, random: Random): string {
  const kinds = [
    ...(scene.speech.length > 0 ? ['speech'] : []),
    ...(scene.music ? ['music'] : []),
    ...(scene.events.length > 0 || scene.ambience ? ['sound effects'] : []),
  ];
  const place = { dry: 'a dry place without echo', room: 'a room with a little echo', hall: 'a large hall' }[
    scene.room.kind
  ];
  const noise = scene.quality.noise === 'none' ? 'clean' : `with a ${scene.quality.noise} hiss`;
  const band = scene.quality.band === 'narrow' ? 'narrow like a telephone' : 'full';
  const plan = random.shuffle(parts).length > 1 ? `Combine ${listing(parts)}` : `Make ${parts[0]}`;
  return [
    `1. User Intent: The user ${verb} ${listing(kinds.length > 0 ? kinds : ['silence'])}.`,
    `2. Inferred Details: The sound takes place in ${place} and lasts about ${Math.round(scene.seconds)} seconds.`,
    `3. Audio Quality: The recording is ${noise} and its band is ${band}.`,
    `4. Generation Plan: ${plan}.`,
  ].join('\n');
}
