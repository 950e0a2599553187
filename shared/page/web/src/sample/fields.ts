/**
 * All fields of an alert as a flat list that can be searched: `candidate.magpsf`, `prv_candidates[3].jd`,
 * `cutoutScience.stampData`.
 */

import { isRecord } from "./lightcurve";

/** A leaf of an alert. */
export interface Field {
  /** Its whole name. */
  name: string;
  /** Its value, as it is shown. */
  text: string;
  /** Whether the alert holds nothing there. */
  isNull: boolean;
}

const MOST_FIELDS = 20_000;
const LONGEST = 200;
const DEEPEST = 20;

/** The leaves in the alert's own order. */
export function fieldsOf(alert: unknown): Field[] {
  const fields: Field[] = [];
  const walk = (value: unknown, name: string, depth: number) => {
    if (fields.length >= MOST_FIELDS || depth > DEEPEST) return;
    if (Array.isArray(value)) {
      if (value.length === 0) fields.push({ name, text: "none", isNull: false });
      value.forEach((one, i) => walk(one, `${name}[${i}]`, depth + 1));
    } else if (isRecord(value)) {
      const entries = Object.entries(value);
      if (entries.length === 0) fields.push({ name, text: "none", isNull: false });
      for (const [key, one] of entries) walk(one, name ? `${name}.${key}` : key, depth + 1);
    } else {
      fields.push({ name, text: textOf(value), isNull: value === null || value === undefined });
    }
  };
  walk(alert, "", 0);
  return fields;
}

/** The fields whose name or value holds each word of the search, without regard to case. */
export function matching(fields: Field[], search: string): Field[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return fields;
  return fields.filter(({ name, text }) => {
    const whole = `${name} ${text}`.toLowerCase();
    return words.every((word) => whole.includes(word));
  });
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return "null";
  const text = String(value);
  return text.length > LONGEST ? `${text.slice(0, 40)}… (${text.length.toLocaleString("en")} characters)` : text;
}
