/**
 * The light curve that an alert tells, whatever its content: a full or medium packet holds `candidate` and up to a month
 * of history in `prv_candidates`, a light packet one measurement at its top level, a list of fields perhaps nothing.
 */

/** A measurement: a detection, or the magnitude that a source would have had to reach. */
export interface Point {
  /** Julian date. */
  jd: number;
  /** Magnitude; of an upper limit, the limiting one. */
  magnitude: number;
  /** Its error, where it is told. */
  error: number | null;
  band: Band;
  kind: "detection" | "limit";
  /** Whether the source is fainter than in the template: the difference image is negative there. */
  negative: boolean;
  /** Whether it is the alert's own measurement rather than its history. */
  own: boolean;
}

/** A filter; `?` where the alert does not say. */
export type Band = "g" | "r" | "i" | "?";

/** The bands in their order of wavelength. */
export const BANDS: readonly Band[] = ["g", "r", "i", "?"];

const MOST_POINTS = 5000;
/** Dates beyond, such as those of damaged alerts, are none (the year 9999). */
const LAST_JD = 5_373_484;

/** The points in the order of time; none where the alert holds no dates or no magnitudes. */
export function lightcurve(alert: unknown): Point[] {
  if (!isRecord(alert)) return [];
  const own = isRecord(alert["candidate"]) ? alert["candidate"] : alert;
  const history = Array.isArray(alert["prv_candidates"]) ? alert["prv_candidates"].slice(0, MOST_POINTS) : [];
  const points = new Map<string, Point>();
  const add = (measured: unknown, isOwn: boolean) => {
    const point = isRecord(measured) ? pointOf(measured, isOwn) : null;
    if (!point) return;
    // Histories of alerts overlap: a measurement is known by its time, band and kind.
    const key = `${point.jd} ${point.band} ${point.kind}`;
    if (!points.has(key)) points.set(key, point);
  };
  add(own, true);
  for (const measured of history) add(measured, false);
  return [...points.values()].sort((a, b) => a.jd - b.jd);
}

function pointOf(measured: Record<string, unknown>, own: boolean): Point | null {
  const jd = finite(measured["jd"]);
  if (jd === null || jd < 0 || jd > LAST_JD) return null;
  const magnitude = finite(measured["magpsf"]);
  const limit = finite(measured["diffmaglim"]);
  const band = bandOf(measured["fid"]);
  if (magnitude !== null) {
    const error = finite(measured["sigmapsf"]);
    const negative = ["f", "0", 0, false].some((no) => no === measured["isdiffpos"]);
    return {
      jd,
      magnitude,
      error: error !== null && error >= 0 ? error : null,
      band,
      kind: "detection",
      negative,
      own,
    };
  }
  // The archive writes -999 where no limit was measured.
  if (limit === null || limit < 0) return null;
  return { jd, magnitude: limit, error: null, band, kind: "limit", negative: false, own };
}

function bandOf(fid: unknown): Band {
  return fid === 1 ? "g" : fid === 2 ? "r" : fid === 3 ? "i" : "?";
}

function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** Whether a value is an object with keys. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The calendar date and time of a Julian date, UTC. */
export function dateOf(jd: number): Date {
  return new Date((jd - 2440587.5) * 86_400_000);
}
