/** An instrument of the small world, played by a General MIDI SoundFont. */
export interface Instrument {
  /** readable name, as a caption may say it */
  id: string;
  /** General MIDI program, 0 based */
  program: number;
  /** comfortable range for a melody, MIDI note numbers */
  low: number;
  high: number;
  /** notes ring and die away (plucked, struck) or are held (bowed, blown) */
  envelope: 'struck' | 'held';
  /** whether it also plays chords as an accompaniment */
  chords: boolean;
}

/** The orchestra. Drums stand apart (MusicPart.drums). */
export const INSTRUMENTS: readonly Instrument[] = [
  { id: 'piano', program: 0, low: 60, high: 84, envelope: 'struck', chords: true },
  { id: 'acoustic guitar', program: 24, low: 52, high: 76, envelope: 'struck', chords: true },
  { id: 'electric guitar', program: 29, low: 52, high: 76, envelope: 'held', chords: false },
  { id: 'violin', program: 40, low: 62, high: 90, envelope: 'held', chords: false },
  { id: 'cello', program: 42, low: 40, high: 62, envelope: 'held', chords: false },
  { id: 'flute', program: 73, low: 67, high: 93, envelope: 'held', chords: false },
  { id: 'clarinet', program: 71, low: 54, high: 79, envelope: 'held', chords: false },
  { id: 'trumpet', program: 56, low: 58, high: 80, envelope: 'held', chords: false },
  { id: 'accordion', program: 21, low: 58, high: 82, envelope: 'held', chords: true },
  { id: 'organ', program: 19, low: 55, high: 79, envelope: 'held', chords: true },
  { id: 'harp', program: 46, low: 55, high: 84, envelope: 'struck', chords: true },
  { id: 'xylophone', program: 13, low: 65, high: 91, envelope: 'struck', chords: false },
  { id: 'strings', program: 48, low: 55, high: 79, envelope: 'held', chords: true },
  { id: 'banjo', program: 105, low: 55, high: 79, envelope: 'struck', chords: true },
];

/** The instrument with this id. @throws Error when there is none: a defect of the program. */
export function instrumentById(id: string): Instrument {
  const found = INSTRUMENTS.find((i) => i.id === id);
  if (!found) throw new Error(`no instrument ${id}`);
  return found;
}
