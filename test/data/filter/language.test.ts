import { describe, expect, it } from 'vitest';
import { LANGUAGE_LIMITS, languageReason } from '../../../src/data/filter/language.js';
import { Scanner } from '../../../src/data/filter/scan.js';
import { realLabels } from './captions.js';

const scanner = new Scanner();
const reason = (text: string): string | undefined => languageReason(scanner.measure(text), LANGUAGE_LIMITS)?.kind;

/** Article 1 and 2 (beginnings) of the Universal Declaration of Human Rights. */
const DECLARATION: Record<string, string> = {
  German:
    'Alle Menschen sind frei und gleich an W\u00fcrde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geist der Br\u00fcderlichkeit begegnen. Jeder hat Anspruch auf die in dieser Erkl\u00e4rung verk\u00fcndeten Rechte und Freiheiten ohne irgendeinen Unterschied, etwa nach Rasse, Hautfarbe, Geschlecht, Sprache, Religion, politischer oder sonstiger \u00dcberzeugung, nationaler oder sozialer Herkunft, Verm\u00f6gen, Geburt oder sonstigem Stand.',
  French:
    "Tous les \u00eatres humains naissent libres et \u00e9gaux en dignit\u00e9 et en droits. Ils sont dou\u00e9s de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternit\u00e9. Chacun peut se pr\u00e9valoir de tous les droits et de toutes les libert\u00e9s proclam\u00e9s dans la pr\u00e9sente D\u00e9claration, sans distinction aucune, notamment de race, de couleur, de sexe, de langue, de religion, d'opinion politique ou de toute autre opinion.",
  Dutch:
    'Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd met verstand en geweten, en behoren zich jegens elkander in een geest van broederschap te gedragen. Een ieder heeft aanspraak op alle rechten en vrijheden, in deze Verklaring opgesomd, zonder enig onderscheid van welke aard ook, zoals ras, kleur, geslacht, taal, godsdienst, politieke of andere overtuiging, nationale of maatschappelijke afkomst, eigendom, geboorte of andere status.',
  Spanish:
    'Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como est\u00e1n de raz\u00f3n y conciencia, deben comportarse fraternalmente los unos con los otros. Toda persona tiene todos los derechos y libertades proclamados en esta Declaraci\u00f3n, sin distinci\u00f3n alguna de raza, color, sexo, idioma, religi\u00f3n, opini\u00f3n pol\u00edtica o de cualquier otra \u00edndole, origen nacional o social, posici\u00f3n econ\u00f3mica, nacimiento o cualquier otra condici\u00f3n.',
};

describe('language', () => {
  it('knows English captions, also those that quote other languages', () => {
    for (const { caption } of [...realLabels(), ...realLabels('understanding')])
      expect(reason(caption)).toBeUndefined();
    const english = realLabels()[0].caption;
    for (const text of Object.values(DECLARATION)) {
      expect(reason(`${english}\n\nA man reads aloud: \u201c${text}\u201d`)).toBeUndefined();
      expect(reason(`${english}\n\nA man reads aloud: "${text}"`)).toBeUndefined();
    }
  });

  it.each(Object.entries(DECLARATION))('tells %s, alone and as one paragraph of an English caption', (_, text) => {
    expect(reason(text)).toBe('not_english');
    expect(reason(`${realLabels()[0].caption}\n\n${text}`)).toBe('not_english');
  });

  it('ends a quotation that is never closed with its paragraph', () => {
    const open = `A voice says "${DECLARATION.German}\n\n${realLabels()[0].caption.replace(/["\u201c\u201d]/g, '')}`;
    const m = scanner.measure(open);
    expect(m.plainWords).toBeGreaterThan(250);
  });

  it('does not judge a few words', () => {
    expect(reason('Ein Hund bellt laut.')).toBeUndefined();
  });
});
