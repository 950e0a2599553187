import type { Problem } from "../../api";

/** Where a complaint lies in the conditions, in characters from the start. */
export interface Placed {
  from: number;
  to: number;
  problem: Problem;
}

/**
 * Finds the place of a complaint such as `conditions, line 1, column 4`; columns count characters, and the marks under
 * the snippet tell how long the place is. A complaint without a place is about the last line.
 */
export function placeOf(text: string, problem: Problem): Placed {
  const lines = text.split("\n");
  const at = /line (\d+), column (\d+)/.exec(problem.place);
  const row = Math.min(lines.length, at ? Number(at[1]) : lines.length) - 1;
  const line = lines[row] ?? "";
  const before = lines.slice(0, row).reduce((sum, each) => sum + each.length + 1, 0);
  const column = at ? units(line, Number(at[2]) - 1) : 0;
  const marks = /\^+\s*$/.exec(problem.snippet ?? "")?.[0].trim().length ?? 1;
  const from = Math.min(column, line.length);
  const to = Math.min(line.length, from + units(line.slice(from), marks));
  return { from: before + from, to: before + to, problem };
}

/** How many UTF-16 units so many characters of a text take. */
const units = (text: string, characters: number) => [...text].slice(0, Math.max(0, characters)).join("").length;
