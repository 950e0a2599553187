import { describe, expect, test } from "vitest";
import { chosenOf, dayOf, daysOf, entriesFor, entriesOf, monthOf, nightOf, spanOf, weekday } from "./nights";

const day = (night: string) => dayOf(night)!;
const archive = ["2026-02-26", "2026-02-28", "2026-03-01", "2026-03-02", "2026-03-22", "2026-03-23"].map(day);

test("days are those of the calendar", () => {
  expect(day("1970-01-02")).toBe(1);
  expect(nightOf(day("2024-02-29"))).toBe("2024-02-29");
  expect(dayOf("2026-02-29")).toBeUndefined();
  // 22 March 2026 is a Sunday, 29 February 2024 a Thursday.
  expect([weekday(day("2026-03-22")), weekday(day("2024-02-29"))]).toEqual([6, 3]);
  expect(daysOf(monthOf(day("2024-02-10"))).map(nightOf)).toEqual(["2024-02-01", "2024-02-29"]);
});

describe("entries name the same nights as for the service", () => {
  const now = day("2026-03-01");
  test.each([
    ["2026-02-27..2026-03-01", ["2026-02-27", "2026-03-01"]],
    ["2026-2-27 to 2026-03-01", ["2026-02-27", "2026-03-01"]],
    ["2026-02-27:2026-02-28", ["2026-02-27", "2026-02-28"]],
    ["last night", ["2026-02-28", "2026-02-28"]],
    ["7 days ago..Yesterday", ["2026-02-22", "2026-02-28"]],
  ])("%s", (entry, nights) => {
    expect(spanOf(entry, now)?.map(nightOf)).toEqual(nights);
  });
  test.each(["2026-03-02..2026-03-01", "tomorrow", "2026-02-30", "two days ago", ""])("%s names none", (entry) => {
    expect(spanOf(entry, now)).toBeUndefined();
  });
});

test("what is chosen is written in ranges, over a night that the archive lacks but not over weeks", () => {
  const chosen = new Set(["2026-02-26", "2026-02-28", "2026-03-01", "2026-03-02", "2026-03-22"].map(day));
  expect(entriesFor(chosen, archive)).toEqual(["2026-02-26..2026-03-02", "2026-03-22"]);
  chosen.delete(day("2026-03-01"));
  expect(entriesFor(chosen, archive)).toEqual(["2026-02-26..2026-02-28", "2026-03-02", "2026-03-22"]);
});

test("any choice is read as it was written", () => {
  for (let bits = 0; bits < 1 << archive.length; bits++) {
    const chosen = new Set(archive.filter((_, at) => bits & (1 << at)));
    expect(chosenOf(entriesFor(chosen, archive), archive)).toEqual(chosen);
  }
});

test("a text may part its entries in any way", () => {
  expect(entriesOf("2026-03-01, 2026-03-02\n7 days ago..yesterday")).toEqual([
    "2026-03-01",
    "2026-03-02",
    "7 days ago..yesterday",
  ]);
  expect(entriesOf("2025-09-01..2025-09-05 2026-03-22")).toEqual(["2025-09-01..2025-09-05", "2026-03-22"]);
});
