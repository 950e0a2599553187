/** Numbers, sizes and times as the page and the command line write them. */

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** `56031` as `56,031`. */
export const count = (value: number) => whole.format(value);

/** `1 alert`, `2 alerts`. */
export const counted = (value: number, one: string, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** A short form for narrow places: `950`, `56k`, `1.2M`. */
export function brief(value: number): string {
  if (value < 1000) return count(value);
  for (const [unit, size] of [
    ["k", 1e3],
    ["M", 1e6],
    ["G", 1e9],
  ] as const) {
    const scaled = value / size;
    if (scaled < 9.95) return `${scaled.toFixed(1).replace(/\.0$/, "")}${unit}`;
    if (scaled < 999.5) return `${Math.round(scaled)}${unit}`;
  }
  return count(value);
}

/** Bytes in decimal units: `478 KB`, `60.8 MB`. */
export function bytes(value: number): string {
  if (value < 1000) return `${count(value)} B`;
  let scaled = value;
  for (const unit of ["KB", "MB", "GB", "TB"]) {
    scaled /= 1000;
    if (scaled < 99.95 && unit !== "KB") return `${scaled.toFixed(1)} ${unit}`;
    if (scaled < 9.95) return `${scaled.toFixed(1)} ${unit}`;
    if (scaled < 999.5) return `${Math.round(scaled)} ${unit}`;
  }
  return `${(scaled / 1000).toFixed(1)} PB`;
}

/** A duration in seconds: `581 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const all = Math.round(seconds);
  if (all < 60) return `${all} s`;
  if (all < 3600) return pair(all, 60, "min", "s");
  if (all < 86400) return pair(Math.round(all / 60), 60, "h", "min");
  return pair(Math.round(all / 3600), 24, "d", "h");
}

function pair(small: number, size: number, big: string, little: string): string {
  const rest = small % size;
  return rest === 0 ? `${small / size} ${big}` : `${Math.floor(small / size)} ${big} ${rest} ${little}`;
}

/** A share as `12 %` or `0.3 %`; never `0 %` or `100 %` unless it is exactly that. */
export function percent(part: number, of: number): string {
  if (of === 0) return "0 %";
  const value = (100 * part) / of;
  if (value === 0 || value === 100) return `${value} %`;
  if (value < 0.1) return "< 0.1 %";
  if (value > 99.9) return "> 99.9 %";
  return value < 9.95 || value > 99 ? `${value.toFixed(1)} %` : `${Math.round(value)} %`;
}

/** A moment (RFC 3339) in UTC: `2026-11-26 18:39`. */
export const moment = (time: string) => time.slice(0, 16).replace("T", " ");

/** A moment with seconds: `18:39:52`. */
export const clock = (time: string) => time.slice(11, 19);

/** How far a moment lies from now: `in 7 days`, `5 min ago`, `just now`. */
export function away(time: string, now = Date.now()): string {
  const seconds = (Date.parse(time) - now) / 1000;
  if (Math.abs(seconds) < 5) return "just now";
  const far = coarse(Math.abs(seconds));
  return seconds > 0 ? `in ${far}` : `${far} ago`;
}

function coarse(seconds: number): string {
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  if (seconds < 59.5 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return counted(Math.round(seconds / 86400), "day");
}
