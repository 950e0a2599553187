import type { Counts, NightStatus, TaskState } from "../api";

/** A night of a job: a large one is worked on in several parts, which are told together. */
export interface JobNight {
  night: string;
  state: TaskState;
  /** Alerts in it. */
  alerts: number;
  read: number;
  kept: number;
  sent: number;
  /** How often one of its parts was begun again after a first attempt. */
  repeated: number;
  parts: number;
  /** Why parts of it failed. */
  reasons: string[];
}

/** The states in the order in which they decide what a night of several parts is. */
const DECIDES: readonly TaskState[] = ["failed", "cancelled", "running", "queued", "done"];

/** The nights of a job, in order. */
export function nightsOf(tasks: readonly NightStatus[]): JobNight[] {
  const nights = new Map<string, JobNight>();
  for (const task of tasks) {
    const { read, kept, sent } = atLeast(task.counts);
    const reasons = task.failure ? [task.failure.reason] : [];
    const repeated = Math.max(0, task.attempts - 1);
    const night = nights.get(task.night);
    if (!night) {
      const { alerts, state } = task;
      nights.set(task.night, { night: task.night, state, alerts, read, kept, sent, repeated, parts: 1, reasons });
      continue;
    }
    night.state = together(night.state, task.state);
    night.alerts += task.alerts;
    night.read += read;
    night.kept += kept;
    night.sent += sent;
    night.repeated += repeated;
    night.parts += 1;
    night.reasons.push(...reasons);
  }
  return [...nights.values()].sort((a, b) => (a.night < b.night ? -1 : 1));
}

/** What two parts are together. One that is done beside one that waits is under way. */
function together(a: TaskState, b: TaskState): TaskState {
  if ((a === "done" && b === "queued") || (a === "queued" && b === "done")) return "running";
  return DECIDES.find((state) => state === a || state === b) ?? a;
}

/** How much of a night is behind it, 0 to 1. */
export function fill(night: JobNight): number {
  if (night.state === "done") return 1;
  return night.alerts > 0 ? Math.min(1, night.read / night.alerts) : 0;
}

/** How many nights are in each state. */
export function tally(nights: readonly JobNight[]): Record<TaskState, number> {
  const counts: Record<TaskState, number> = { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0 };
  for (const night of nights) counts[night.state]++;
  return counts;
}

/** Failures that differ in their night alone, as the first of them tells it, with their nights; most nights first. */
export function failures(nights: readonly JobNight[]): { reason: string; nights: string[] }[] {
  const alike = new Map<string, { reason: string; nights: string[] }>();
  for (const { night, reasons } of nights) {
    const [year, month, day] = night.split("-");
    for (const reason of new Set(reasons)) {
      const key = reason.replaceAll(night, "").replaceAll(`year=${year}/month=${month}/day=${day}`, "");
      const known = alike.get(key);
      if (known) known.nights.push(night);
      else alike.set(key, { reason, nights: [night] });
    }
  }
  return [...alike.values()].sort((a, b) => b.nights.length - a.nights.length);
}

/** Nights as ranges of days that follow each other: `2026-02-20..2026-02-24`, `2026-03-01`. */
export function ranges(nights: readonly string[]): string[] {
  const days = [...new Set(nights)].sort();
  const found: [string, string][] = [];
  for (const day of days) {
    const last = found.at(-1);
    if (last && Date.parse(day) - Date.parse(last[1]) === 86_400_000) last[1] = day;
    else found.push([day, day]);
  }
  return found.map(([first, last]) => (first === last ? first : `${first}..${last}`));
}

/** The books as they are at least: what was sent was read and kept, though a part is booked only when all of it is sent. */
export function atLeast(counts: Counts): Counts {
  const kept = Math.max(counts.kept, counts.sent);
  return { ...counts, kept, read: Math.max(counts.read, counts.read - counts.kept + kept) };
}

/** A stage of what became of the alerts that were read. */
export interface Stage {
  label: string;
  /** The condition or the like that it is about. */
  detail?: string;
  alerts: number;
  kind: "read" | "dropped" | "kept" | "sent";
}

/** The way of the alerts from the archive to the topic, stage after stage; stages without alerts only where told. */
export function stages(counts: Counts, conditions: readonly string[], hasClasses: boolean, hasLimit: boolean): Stage[] {
  const { read = 0, dropped_by_class = 0, dropped_by_condition = [], over_limit = 0, kept = 0, sent = 0 } = counts;
  const list: Stage[] = [{ label: "Read", alerts: read, kind: "read" }];
  if (hasClasses || dropped_by_class > 0)
    list.push({ label: "Other classes", alerts: dropped_by_class, kind: "dropped" });
  const known = Math.max(conditions.length, dropped_by_condition.length);
  for (let i = 0; i < known; i++) {
    const label = known === 1 ? "Condition" : `Condition ${i + 1}`;
    list.push({ label, detail: conditions[i], alerts: dropped_by_condition[i] ?? 0, kind: "dropped" });
  }
  if (hasLimit || over_limit > 0) list.push({ label: "Over the limit", alerts: over_limit, kind: "dropped" });
  list.push({ label: "Kept", alerts: kept, kind: "kept" }, { label: "Sent", alerts: sent, kind: "sent" });
  return list;
}
