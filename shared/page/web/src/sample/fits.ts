/**
 * Reads the image of a FITS file: just enough of the format for an alert's cutouts, and no more than is safe to read.
 *
 * A stamp comes from an archive that others fill, so nothing in it is believed: its packed and unpacked sizes, its
 * header and its axes are bounded before anything is allocated, and whatever does not fit is a `FitsError`.
 */

/** An image. Its rows run as the file holds them: the first one is the bottom of the picture. */
export interface Image {
  width: number;
  height: number;
  /** Row after row, bottom first; NaN where a pixel has no value. */
  pixels: Float64Array;
}

/** Why a stamp cannot be shown, in words for the page. */
export class FitsError extends Error {}

/** The longest side of an image that is read; stamps have 63 pixels a side. */
export const MOST_PIXELS_A_SIDE = 512;
/** The most bytes a stamp may have before and after unpacking. */
export const MOST_BYTES = 4 * 1024 * 1024;

const CARD = 80;
const BLOCK = 2880;
const MOST_HEADER_BLOCKS = 32;
const BYTES_OF: Record<number, number> = { 8: 1, 16: 2, 32: 4, [-32]: 4, [-64]: 8 };

/** Reads a stamp as an alert holds it: base64 of a FITS file, gzipped as a rule. */
export async function readStamp(base64: string): Promise<Image> {
  if (base64.length > MOST_BYTES * 2) throw new FitsError("it is too large");
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  } catch {
    throw new FitsError("it is not base64");
  }
  return readFits(await gunzip(bytes));
}

/** Unpacks gzip; bytes that are not packed are given back as they are. Never yields more than `most` bytes. */
export async function gunzip(bytes: Uint8Array<ArrayBuffer>, most = MOST_BYTES): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes.length > most) throw new FitsError("it is too large");
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > most) throw new FitsError("it unpacks to too much");
      parts.push(value);
    }
  } catch (error) {
    void reader.cancel().catch(() => undefined);
    throw error instanceof FitsError ? error : new FitsError("it is damaged: its gzip does not unpack");
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Reads the primary image of a FITS file. */
export function readFits(file: Uint8Array): Image {
  const { cards, end } = readHeader(file);
  const bitpix = number(cards, "BITPIX");
  const size = bitpix === undefined ? undefined : BYTES_OF[bitpix];
  if (bitpix === undefined || size === undefined) throw new FitsError(`its BITPIX is ${bitpix ?? "missing"}`);
  const width = side(cards, "NAXIS1");
  const height = side(cards, "NAXIS2");
  const axes = number(cards, "NAXIS") ?? 0;
  for (let axis = 3; axis <= Math.min(axes, 9); axis++) {
    if (number(cards, `NAXIS${axis}`) !== 1) throw new FitsError("it is not a flat image");
  }
  if (axes < 2 || axes > 9) throw new FitsError(`it has ${axes} axes`);
  if (end + width * height * size > file.length) throw new FitsError("it ends in the middle of the image");

  const scale = number(cards, "BSCALE") ?? 1;
  const zero = number(cards, "BZERO") ?? 0;
  const blank = bitpix > 0 ? number(cards, "BLANK") : undefined;
  const view = new DataView(file.buffer, file.byteOffset + end, width * height * size);
  const read = readerOf(view, bitpix);
  const pixels = new Float64Array(width * height);
  for (let i = 0; i < pixels.length; i++) {
    const value = read(i);
    pixels[i] = value === blank || !Number.isFinite(value) ? NaN : value * scale + zero;
  }
  return { width, height, pixels };
}

/** FITS numbers are big-endian; those of 8 bits have no sign. */
function readerOf(view: DataView, bitpix: number): (i: number) => number {
  switch (bitpix) {
    case 8:
      return (i) => view.getUint8(i);
    case 16:
      return (i) => view.getInt16(i * 2);
    case 32:
      return (i) => view.getInt32(i * 4);
    case -32:
      return (i) => view.getFloat32(i * 4);
    default:
      return (i) => view.getFloat64(i * 8);
  }
}

/** The cards up to END, and where the image begins. Some writers do not align values, so only `KEY =` is relied on. */
function readHeader(file: Uint8Array): { cards: Map<string, string>; end: number } {
  const cards = new Map<string, string>();
  const most = Math.min(file.length, MOST_HEADER_BLOCKS * BLOCK);
  for (let at = 0; at + CARD <= most; at += CARD) {
    const card = String.fromCharCode(...file.subarray(at, at + CARD));
    const key = card.slice(0, 8).trim();
    if (at === 0 && key !== "SIMPLE") break;
    if (key === "END") return { cards, end: Math.ceil((at + CARD) / BLOCK) * BLOCK };
    if (card[8] === "=" && !cards.has(key)) cards.set(key, card.slice(9).split("/")[0]!.trim());
  }
  throw new FitsError(cards.size ? "its header does not end" : "it is not a FITS file");
}

/** A card's number; FORTRAN's `1.0D0` is one as well. */
function number(cards: Map<string, string>, key: string): number | undefined {
  const text = cards.get(key);
  if (text === undefined || text === "") return undefined;
  const value = Number(text.replace(/[dD]/, "e"));
  if (!Number.isFinite(value)) throw new FitsError(`its ${key} is no number`);
  return value;
}

function side(cards: Map<string, string>, key: string): number {
  const value = number(cards, key);
  if (value === undefined || !Number.isInteger(value) || value < 1) throw new FitsError(`its ${key} is wrong`);
  if (value > MOST_PIXELS_A_SIDE) throw new FitsError(`it is ${value} pixels wide or high`);
  return value;
}
