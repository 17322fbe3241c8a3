/** The pass over all captions that needs nothing but their text: surface rules, language, transcript, black list. */
import type { Reason } from '../types.js';
import { languageReason } from './language.js';
import { type Measures, Scanner } from './scan.js';
import type { FilterSettings } from './settings.js';
import { type Captioned, recordReason, sizeReason, textReason } from './surface.js';
import type { IdTable } from './tables.js';
import type { Step } from './tally.js';
import { type LinesById, transcriptOf } from './texts.js';
import { transcriptReason } from './transcript.js';

export interface Verdict {
  reason?: Reason;
  step: Step;
  /** of captions that are there at all */
  measures?: Measures;
}

export class TextFilter {
  readonly scanner = new Scanner();

  constructor(
    private readonly settings: FilterSettings,
    private readonly transcripts?: LinesById,
    private readonly blacklist?: IdTable,
  ) {}

  /** The first filter that removes a caption, in the official order. */
  judge(label: Captioned): Verdict {
    const { surface, lenient, language, transcript } = this.settings;
    const unfinished = recordReason(label, lenient);
    if (unfinished) return { reason: unfinished, step: 'surface' };
    const measures = this.scanner.measure(label.caption);
    const rough = textReason(measures, surface) ?? sizeReason(label, surface);
    if (rough) return { reason: rough, step: 'surface', measures };
    const foreign = language && languageReason(measures, language);
    if (foreign) return { reason: foreign, step: 'language', measures };
    const said = transcript && transcriptOf(this.transcripts?.find(label.id));
    const differing = transcript && said ? transcriptReason(label.caption, said, transcript) : undefined;
    if (differing) return { reason: differing, step: 'transcript', measures };
    if (this.blacklist && this.blacklist.find(label.id) >= 0) {
      return {
        reason: { kind: 'blacklisted', message: 'A list of ids to delete names it.' },
        step: 'blacklist',
        measures,
      };
    }
    return { step: 'blacklist', measures };
  }
}
