import type { SampleAlert } from "../api";
import { isRecord, lightcurve } from "./lightcurve";

/** What a card says of an alert, as far as its content holds it. */
export interface Summary {
  title: string;
  night: string;
  /** The class, TNS's where it is known. */
  label: string | null;
  magnitude: string | null;
  band: string;
  position: string | null;
  stamp: string | null;
}

/** Sums up an alert of any content. */
export function summaryOf({ night, alert }: SampleAlert, at: number): Summary {
  const inner = isRecord(alert["candidate"]) ? alert["candidate"] : alert;
  const own = lightcurve(alert).find((point) => point.own);
  const magnitude = own?.magnitude ?? inner["magpsf"];
  const [ra, dec] = [inner["ra"], inner["dec"]];
  const tns = text(alert["tnsclass"]);
  return {
    title: text(alert["objectId"]) ?? text(alert["candid"]) ?? `Alert ${at + 1}`,
    night,
    label: tns && tns !== "Unknown" ? tns : text(alert["finkclass"]),
    magnitude: typeof magnitude === "number" ? magnitude.toFixed(2) : null,
    band: own && own.band !== "?" ? own.band : "",
    position: typeof ra === "number" && typeof dec === "number" ? `${ra.toFixed(3)} ${signed(dec)}` : null,
    stamp: stampOf(alert, "cutoutScience"),
  };
}

/** What tells an alert from the others of a sample, whichever place it has there. */
export function keyOf({ night, alert }: SampleAlert): string {
  const inner = isRecord(alert["candidate"]) ? alert["candidate"] : alert;
  return [night, alert["candid"], alert["objectId"], inner["jd"], inner["ra"]].join(" ");
}

/** The packed image of a cutout, if the alert holds it. */
export function stampOf(alert: Record<string, unknown>, cutout: string): string | null {
  const held = alert[cutout];
  const data = isRecord(held) ? held["stampData"] : (alert[`${cutout}_stampData`] ?? held);
  return typeof data === "string" && data !== "" ? data : null;
}

function signed(degrees: number): string {
  return degrees < 0 ? `−${(-degrees).toFixed(3)}` : `+${degrees.toFixed(3)}`;
}

function text(value: unknown): string | null {
  return typeof value === "string" || typeof value === "number" ? String(value).slice(0, 60) : null;
}
