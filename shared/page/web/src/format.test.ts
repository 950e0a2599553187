import { expect, test } from "vitest";
import { brief, bytes, duration, percent } from "./format";

// The sizes and times that the command line prints in README.md.
test("sizes are those of the command line", () => {
  const printed = ["5.0 MB", "3.0 MB", "627 MB", "478 KB", "1.2 MB", "44.8 MB", "1.4 KB", "18 KB"];
  const sizes = [5_004_321, 2_980_000, 627_000_000, 478_200, 1_204_000, 44_810_000, 1_402, 18_000];
  expect(sizes.map(bytes)).toEqual(printed);
});

test("units change where a rounded number would", () => {
  expect([999, 1000, 999_499, 999_999_999].map(bytes)).toEqual(["999 B", "1.0 KB", "999 KB", "1.0 GB"]);
});

test("times are told in two parts at most", () => {
  const seconds = [0.581, 0.9999, 12, 59.6, 200, 3600, 7500, 273_600];
  const told = ["581 ms", "1.0 s", "12 s", "1 min", "3 min 20 s", "1 h", "2 h 5 min", "3 d 4 h"];
  expect(seconds.map(duration)).toEqual(told);
});

test("a share is never all or nothing unless it is", () => {
  expect([percent(0, 5), percent(1, 1e6), percent(999_999, 1e6), percent(5, 5), percent(1, 8)]).toEqual([
    "0 %",
    "< 0.1 %",
    "> 99.9 %",
    "100 %",
    "13 %",
  ]);
});

test("short numbers", () => {
  expect([950, 4000, 56_031, 999_999, 2_478_727].map(brief)).toEqual(["950", "4k", "56k", "1M", "2.5M"]);
});
