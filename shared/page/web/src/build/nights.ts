/** Nights as whole days since 1970-01-01 (UTC), and the texts that choose them. */

const DAY = 86_400_000;

/** A first and a last day, both included. */
export type Span = [first: number, last: number];

/** `2026-03-22` as a day's number; undefined for what is no date. */
export function dayOf(text: string): number | undefined {
  const parts = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text.trim());
  if (!parts) return undefined;
  const [year, month, day] = parts.slice(1).map(Number) as [number, number, number];
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() / DAY : undefined;
}

/** A day's number as `2026-03-22`. */
export const nightOf = (day: number) => new Date(day * DAY).toISOString().slice(0, 10);

/** Today in UTC. */
export const today = () => Math.floor(Date.now() / DAY);

/** Months since the year 0, so that they can be counted. */
export function monthOf(day: number): number {
  const date = new Date(day * DAY);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** The first and the last day of a month. */
export const daysOf = (month: number): Span => [firstDay(month), firstDay(month + 1) - 1];

const firstDay = (month: number) => Date.UTC(Math.floor(month / 12), month % 12, 1) / DAY;

/** 0 for Monday to 6 for Sunday. */
export const weekday = (day: number) => (((day + 3) % 7) + 7) % 7;

/**
 * The days that an entry such as `2025-09-01..2025-09-05`, `yesterday` or `7 days ago..yesterday` names; undefined for
 * what the service would not take either.
 */
export function spanOf(entry: string, now = today()): Span | undefined {
  const [from = "", to] = entry.split(/\.\.|:| to /);
  const first = endOf(from, now);
  const last = to === undefined ? first : endOf(to, now);
  return first === undefined || last === undefined || last < first ? undefined : [first, last];
}

function endOf(text: string, now: number): number | undefined {
  const word = text.trim().toLowerCase();
  if (word === "today" || word === "tonight") return now;
  if (word === "yesterday" || word === "last night") return now - 1;
  const ago = /^(\d+)\s*(?:days?|nights?)\s*ago$/.exec(word);
  return ago ? now - Number(ago[1]) : dayOf(word);
}

/** The entries of a text, separated by commas or line breaks (a space would split `7 days ago`). */
export const entriesOf = (text: string) =>
  text
    .replace(/(\d{4}-\d{1,2}-\d{1,2})\s+(?=\d{4}-)/g, "$1,")
    .split(/[,\n;]/)
    .map((entry) => entry.trim())
    .filter(Boolean);

/** The nights of an archive (ascending) that some entries name. */
export function chosenOf(entries: string[], archive: number[], now = today()): Set<number> {
  const chosen = new Set<number>();
  const spans = entries.flatMap((entry) => {
    const span = spanOf(entry, now);
    return span ? [span] : [];
  });
  for (const [first, last] of spans) {
    for (let at = lowerBound(archive, first); at < archive.length && archive[at]! <= last; at++)
      chosen.add(archive[at]!);
  }
  return chosen;
}

/** So many days in a row that an archive lacks part no range; over more of them a range would claim too much. */
const BRIDGED = 3;

/** Few entries that name exactly these nights of an archive, over the odd night that it lacks. */
export function entriesFor(chosen: ReadonlySet<number>, archive: number[]): string[] {
  const entries: string[] = [];
  let first: number | undefined;
  let last = 0;
  const end = () => {
    if (first !== undefined) entries.push(first === last ? nightOf(first) : `${nightOf(first)}..${nightOf(last)}`);
    first = undefined;
  };
  for (const day of archive) {
    if (!chosen.has(day)) {
      end();
      continue;
    }
    if (first !== undefined && day - last > BRIDGED + 1) end();
    first ??= day;
    last = day;
  }
  end();
  return entries;
}

/** Where the first value not below `value` is. */
export function lowerBound(sorted: number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
