/** What sort of thing makes the sound: also tells which rooms and company suit it. */
export type EventCategory =
  | 'animal'
  | 'nature'
  | 'household'
  | 'signal'
  | 'vehicle'
  | 'human'
  | 'tool'
  | 'game'
  | 'impact';

/** A kind of sound with a beginning and an end. */
export interface EventKind {
  /** short noun phrase without article, as a caption may say it: "dog bark" */
  label: string;
  /** recorded: a real recording (CC0); synthetic: made by `generators/` or jsfxr, different every time */
  kind: 'recorded' | 'synthetic';
  category: EventCategory;
  /**
   * true: one instance is one sound, so instances can be counted ("two dog barks"). False: one instance is a run of
   * sounds (footsteps, knocking) or has no plural (thunder): ask nobody to count it.
   */
  countable: boolean;
  /** its shortest and longest duration in seconds */
  seconds: readonly [number, number];
  /** recorded: file names in supersonic-scsynth-samples, without ending; jsfxr: the preset's name */
  source?: string | readonly string[];
}

/** A continuous background. */
export interface AmbienceKind {
  /** noun phrase that takes no article: "rain", "wind" */
  label: string;
  kind: 'recorded' | 'synthetic';
  category: EventCategory;
  source?: string;
}

/** Every sound event that a scene may contain. Labels are also the event tags of the models. */
export const EVENTS: readonly EventKind[] = [
  synthetic('dog bark', 'animal', 0.14, 0.24),
  synthetic('cat meow', 'animal', 0.5, 1.1),
  synthetic('bird chirp', 'animal', 0.4, 1.6, false),
  synthetic('frog croak', 'animal', 0.3, 0.55),
  synthetic('owl hoot', 'animal', 0.5, 0.9),
  synthetic('cuckoo call', 'animal', 0.5, 0.75),
  synthetic('mosquito buzz', 'animal', 1, 2.5, false),
  recorded('crow caw', 'animal', ['misc_crow'], 0.3, 1),
  synthetic('horse gallop', 'animal', 1.2, 2.6, false),
  synthetic('thunder', 'nature', 1.5, 3.5, false),
  synthetic('water drip', 'nature', 0.4, 2, false),
  synthetic('bubbles', 'nature', 0.8, 2, false),
  synthetic('knock on a door', 'household', 0.5, 1.3, false),
  recorded('door slam', 'household', ['perc_door'], 0.2, 1),
  synthetic('doorbell', 'household', 0.9, 1.8),
  synthetic('clock ticking', 'household', 1.5, 3, false),
  synthetic('glass clink', 'household', 0.3, 1),
  synthetic('glass breaking', 'household', 0.7, 1.4, false),
  synthetic('keyboard typing', 'household', 1, 2.5, false),
  synthetic('camera shutter', 'household', 0.2, 0.5),
  recorded('cash register', 'household', ['perc_till'], 1, 2.8),
  synthetic('zipper', 'household', 0.4, 1),
  synthetic('telephone ring', 'signal', 0.8, 1.4),
  synthetic('dial tones', 'signal', 0.8, 2.2, false),
  synthetic('busy tone', 'signal', 1.2, 2.4, false),
  synthetic('alarm clock beeping', 'signal', 1, 2.5, false),
  synthetic('siren', 'signal', 1.8, 3.5, false),
  synthetic('church bell', 'signal', 1.5, 3),
  synthetic('bicycle bell', 'signal', 0.5, 0.8),
  synthetic('wind chime', 'signal', 1.2, 2.6, false),
  synthetic('buzzer', 'signal', 0.5, 1.4),
  synthetic('sonar ping', 'signal', 1, 2.2),
  synthetic('referee whistle', 'signal', 0.4, 1.3),
  synthetic('car horn', 'vehicle', 0.3, 1.2),
  synthetic('train horn', 'vehicle', 1.2, 2.6),
  synthetic('car passing by', 'vehicle', 1.8, 3.2),
  synthetic('motorcycle engine', 'vehicle', 1.5, 3, false),
  synthetic('footsteps', 'human', 1.2, 3, false),
  synthetic('applause', 'human', 1.2, 3, false),
  synthetic('heartbeat', 'human', 1.4, 3, false),
  synthetic('human whistle', 'human', 0.6, 1.6, false),
  recorded('finger snap', 'human', ['perc_snap', 'perc_snap2'], 0.1, 0.6),
  recorded('burp', 'human', ['misc_burp'], 0.2, 1),
  synthetic('hammer blows', 'tool', 0.8, 2, false),
  synthetic('hand saw', 'tool', 1.2, 2.6, false),
  synthetic('electric drill', 'tool', 1, 2.4, false),
  synthetic('steam hiss', 'tool', 0.7, 2, false),
  recorded('record scratch', 'tool', ['vinyl_scratch', 'vinyl_backspin', 'vinyl_rewind'], 0.2, 2),
  recorded('whoosh', 'impact', ['perc_swoosh', 'perc_swash', 'ambi_swoosh'], 0.2, 1.6),
  synthetic('bouncing ball', 'impact', 0.8, 2, false),
  synthetic('explosion', 'impact', 0.4, 2, true, 'explosion'),
  synthetic('coin pickup', 'game', 0.15, 0.9, true, 'pickupCoin'),
  synthetic('laser shot', 'game', 0.12, 0.8, true, 'laserShoot'),
  synthetic('power-up', 'game', 0.25, 1, true, 'powerUp'),
  synthetic('cartoon jump', 'game', 0.12, 0.7, true, 'jump'),
];

/** Every background that may lie under a whole scene. */
export const AMBIENCES: readonly AmbienceKind[] = [
  { label: 'rain', kind: 'synthetic', category: 'nature' },
  { label: 'wind', kind: 'synthetic', category: 'nature' },
  { label: 'ocean waves', kind: 'synthetic', category: 'nature' },
  { label: 'a running stream', kind: 'synthetic', category: 'nature' },
  { label: 'a crackling fire', kind: 'synthetic', category: 'nature' },
  { label: 'crickets', kind: 'synthetic', category: 'animal' },
  { label: 'engine hum', kind: 'synthetic', category: 'vehicle' },
  { label: 'a train on rails', kind: 'synthetic', category: 'vehicle' },
  { label: 'a helicopter', kind: 'synthetic', category: 'vehicle' },
  { label: 'fan hum', kind: 'synthetic', category: 'household' },
  { label: 'vinyl crackle', kind: 'recorded', category: 'household', source: 'vinyl_hiss' },
];

/** The event kind with this label. @throws Error when there is none: a defect of the program. */
export function eventByLabel(label: string): EventKind {
  const found = EVENTS.find((e) => e.label === label);
  if (!found) throw new Error(`no event ${label}`);
  return found;
}

function synthetic(
  label: string,
  category: EventCategory,
  low: number,
  high: number,
  countable = true,
  source?: string,
): EventKind {
  const kind: EventKind = { label, kind: 'synthetic', category, countable, seconds: [low, high] };
  return source ? { ...kind, source } : kind;
}

function recorded(
  label: string,
  category: EventCategory,
  source: readonly string[],
  low: number,
  high: number,
): EventKind {
  return { label, kind: 'recorded', category, countable: true, seconds: [low, high], source };
}
