/** Red, green and blue, 0 to 255. */
export type Colour = [red: number, green: number, blue: number];

/**
 * A scale of colours for amounts: lightness grows evenly from near black to near white, so that equal steps look equal,
 * also in grey and to colour-blind eyes; the hue runs from blue through red to yellow. Lightness, chroma and hue are
 * those of Oklab (Ottosson 2020).
 */
export function colourScale(steps: number): Colour[] {
  return Array.from({ length: steps }, (_, i) => {
    const share = i / (steps - 1);
    const lightness = 0.12 + 0.86 * share;
    const chroma = 0.02 + 0.17 * Math.sin(Math.PI * share ** 0.9) ** 0.8;
    const hue = ((275 + 195 * share) * Math.PI) / 180;
    return oklab(lightness, chroma * Math.cos(hue), chroma * Math.sin(hue));
  });
}

/** Oklab -> sRGB; what the screen cannot show is cut off. */
function oklab(lightness: number, a: number, b: number): Colour {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    gamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** Linear light -> the byte that sRGB (IEC 61966-2-1) gives it. */
function gamma(light: number): number {
  const x = Math.min(1, Math.max(0, light));
  return Math.round(255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055));
}
