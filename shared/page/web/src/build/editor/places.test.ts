import { expect, test } from "vitest";
import { placeOf } from "./places";

// Complaints as the service makes them.
test("a complaint lies where its snippet's marks are", () => {
  const text = "candidate.magpsf < 18;\njd > 5; foo(";
  const unknown = { place: "conditions, line 2, column 1", reason: "unknown field `jd`", snippet: "jd > 5; foo(\n^^" };
  const { from, to } = placeOf(text, unknown);
  expect(text.slice(from, to)).toBe("jd");
  const end = placeOf(text, {
    place: "conditions, line 2, column 13",
    reason: "the condition ends",
    snippet: "jd > 5; foo(\n            ^",
  });
  expect([end.from, end.to]).toEqual([text.length, text.length]);
});

test("columns count characters", () => {
  const text = "name = '🔭' AND jd > 5";
  const { from, to } = placeOf(text, {
    place: "conditions, line 1, column 16",
    reason: "",
    snippet: `${text}\n${" ".repeat(15)}^^`,
  });
  expect(text.slice(from, to)).toBe("jd");
});
