import { describe, expect, it } from "vitest";
import { FitsError, gunzip, readFits, readStamp, type Image } from "./fits";
import stamps from "./fixtures/stamps.json";
import { shades } from "./stretch";

/** What astropy reads in the same files (`fixtures/make.py`). */
interface Expected {
  width: number;
  height: number;
  nan: number;
  sum: number;
  pixels: [number, number, number | null][];
}
interface Told {
  file: string;
  expected: Expected;
}
const told = stamps as unknown as { stamp: Told; types: Record<string, Told> };

function expectImage(image: Image, expected: Expected) {
  expect([image.width, image.height]).toEqual([expected.width, expected.height]);
  for (const [x, y, value] of expected.pixels) expect(image.pixels[y * image.width + x]).toBe(value ?? NaN);
  expect(image.pixels.filter((value) => Number.isNaN(value))).toHaveLength(expected.nan);
  const sum = image.pixels.reduce((total, value) => total + (Number.isNaN(value) ? 0 : value), 0);
  expect(sum).toBeCloseTo(expected.sum, 6);
}

/** A header of the given cards, then the bytes. */
function file(cards: string[], bytes = 0): Uint8Array {
  const header = [...cards, "END"].map((card) => card.padEnd(80)).join("");
  const whole = new Uint8Array(Math.ceil(header.length / 2880) * 2880 + bytes);
  whole.set(new TextEncoder().encode(header.padEnd(Math.ceil(header.length / 2880) * 2880)));
  return whole;
}

describe("a stamp", () => {
  it("of the archive is read as astropy reads it", async () => {
    expectImage(await readStamp(told.stamp.file), told.stamp.expected);
  });

  it.each(Object.keys(told.types))("with BITPIX %s is read as astropy reads it", async (type) => {
    const { file, expected } = told.types[type]!;
    expectImage(await readStamp(file), expected);
  });

  it("is drawn with its first row at the bottom, and clear where it has no value", async () => {
    const image = await readStamp(told.types["16 with BLANK"]!.file);
    const { rgba, width } = shades(image);
    expect([0, 1, 2].map((x) => rgba[x * 4 + 3])).toEqual([255, 255, 0]);
    expect(rgba[0]).toBeGreaterThan(rgba[width * 4]!);
  });
});

describe("a hostile stamp is refused", () => {
  const flat = ["SIMPLE  =  T", "BITPIX  = 8", "NAXIS   = 2"];
  it.each([
    ["no FITS file", new TextEncoder().encode("x".repeat(4000))],
    ["an empty file", new Uint8Array(0)],
    ["a header without end", file(Array(35).fill("SIMPLE  = T")).slice(0, 2800)],
    ["a wide image", file([...flat, "NAXIS1  = 100000", "NAXIS2  = 100000"])],
    ["half a pixel", file([...flat, "NAXIS1  = 1.5", "NAXIS2  = 2"], 10)],
    ["a negative side", file([...flat, "NAXIS1  = -3", "NAXIS2  = 2"], 10)],
    ["an image cut short", file([...flat, "NAXIS1  = 63", "NAXIS2  = 63"], 3968)],
    ["an unknown type", file(["SIMPLE  = T", "BITPIX  = 12", "NAXIS   = 2", "NAXIS1  = 1", "NAXIS2  = 1"], 1)],
    ["a cube", file(["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 3", "NAXIS1  = 1", "NAXIS2  = 1", "NAXIS3  = 9"], 9)],
  ])("%s", (_, bytes) => {
    expect(() => readFits(bytes)).toThrow(FitsError);
  });

  it("gzip that unpacks to more than is allowed", async () => {
    const zeros = new Blob([new Uint8Array(1_000_000)]).stream().pipeThrough(new CompressionStream("gzip"));
    const packed = new Uint8Array(await new Response(zeros).arrayBuffer());
    await expect(gunzip(packed, 100_000)).rejects.toThrow("unpacks to too much");
  });

  it("gzip that is cut short", async () => {
    await expect(gunzip(Uint8Array.from(atob(told.stamp.file.slice(0, 4000)), (c) => c.charCodeAt(0)))).rejects.toThrow(
      FitsError,
    );
    await expect(readStamp("no base64 !")).rejects.toThrow(FitsError);
  });
});
