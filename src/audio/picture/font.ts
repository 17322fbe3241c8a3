/** Characters 5 pixels wide and 7 high, a row of five a line: what axis labels need. */
const GLYPHS: Record<string, string> = {
  '0': '.###. #...# #..## #.#.# ##..# #...# .###.',
  '1': '..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.',
  '2': '.###. #...# ....# ..##. .#... #.... #####',
  '3': '.###. #...# ....# ..##. ....# #...# .###.',
  '4': '...#. ..##. .#.#. #..#. ##### ...#. ...#.',
  '5': '##### #.... ####. ....# ....# #...# .###.',
  '6': '..##. .#... #.... ####. #...# #...# .###.',
  '7': '##### ....# ...#. ..#.. .#... .#... .#...',
  '8': '.###. #...# #...# .###. #...# #...# .###.',
  '9': '.###. #...# #...# .#### ....# ...#. .##..',
  '.': '..... ..... ..... ..... ..... .##.. .##..',
  '-': '..... ..... ..... .###. ..... ..... .....',
  B: '####. #...# #...# ####. #...# #...# ####.',
  H: '#...# #...# #...# ##### #...# #...# #...#',
  d: '....# ....# .##.# #..## #...# #...# .####',
  k: '#.... #.... #..#. #.#.. ##... #.#.. #..#.',
  s: '..... ..... .###. #.... .###. ....# ####.',
  z: '..... ..... ##### ...#. ..#.. .#... #####',
};

export const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 7;

const lit = new Map(Object.entries(GLYPHS).map(([name, rows]) => [name, [...rows.replaceAll(' ', '')].map(isLit)]));

function isLit(mark: string): boolean {
  return mark === '#';
}

/** `[7][5]` row-major, true where there is ink; nothing for characters without a picture, such as the space. */
export function glyph(character: string): readonly boolean[] | undefined {
  return lit.get(character);
}
