/**
 * Turns an image's values into shades: dark sky, faint sources visible, bright ones not all white.
 *
 * The sky is taken from the median and the spread around it, which neither a bright star nor a pixel gone wrong moves;
 * above it the shade grows with asinh, linearly for faint and with the logarithm for bright pixels.
 */

import type { Image } from "./fits";

/** Shades of an image as a canvas takes them: RGBA, the top row first. */
export interface Shades {
  width: number;
  height: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** How many spreads below the sky is black. */
const BELOW = 1.5;
/** How many spreads above the sky white lies at least, so that mere noise stays dark. */
const ABOVE = 8;
/** Which part of the pixels may be white. */
const WHITE = 0.002;
/** Up to how many spreads the shade grows linearly; beyond, with the logarithm. */
const LINEAR = 4;

/** The values that become black and white, and the one up to which the shade grows linearly. */
export function bounds(pixels: Float64Array): { black: number; white: number; linear: number } {
  const sorted = pixels.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length === 0) return { black: 0, white: 1, linear: 1 };
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
  const sky = at(0.5);
  // Half of a normal distribution lies within 0.6745 spreads: the quartiles tell the spread.
  const spread = (at(0.75) - at(0.25)) / 1.349 || (sorted.at(-1)! - sorted[0]!) / 100 || 1;
  const black = sky - BELOW * spread;
  return { black, white: Math.max(at(1 - WHITE), sky + ABOVE * spread), linear: LINEAR * spread };
}

/** Draws the image the way the sky is looked at: the file's first row at the bottom. Pixels without a value are clear. */
export function shades({ width, height, pixels }: Image): Shades {
  const { black, white, linear } = bounds(pixels);
  const most = Math.asinh((white - black) / linear);
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    const row = (height - 1 - y) * width;
    for (let x = 0; x < width; x++) {
      const value = pixels[row + x]!;
      if (Number.isNaN(value)) continue;
      const above = Math.min(white - black, Math.max(0, value - black));
      const shade = (255 * Math.asinh(above / linear)) / most;
      const at = (y * width + x) * 4;
      rgba[at] = rgba[at + 1] = rgba[at + 2] = shade;
      rgba[at + 3] = 255;
    }
  }
  return { width, height, rgba };
}
