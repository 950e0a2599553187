import { computed, signal } from "@preact/signals";
import { api, said, type ArchiveClass, type ArchiveField, type ArchiveNight, type ConditionFunction } from "../api";
import { dayOf, chosenOf } from "./nights";
import { draft } from "./draft";

/** What the archive holds; undefined until it is known. */
export const nights = signal<ArchiveNight[] | undefined>(undefined);
export const classes = signal<ArchiveClass[] | undefined>(undefined);
export const fields = signal<ArchiveField[] | undefined>(undefined);
/** The functions of conditions; empty where the service does not tell them. */
export const functions = signal<ConditionFunction[]>([]);

/** Why the archive could not be looked at. */
export const trouble = signal<string | undefined>(undefined);

/** The archive's nights by day, and the days in order. */
export const byDay = computed(() => {
  const map = new Map<number, ArchiveNight>();
  for (const night of nights.value ?? []) {
    const day = dayOf(night.night);
    if (day !== undefined) map.set(day, night);
  }
  return map;
});
export const days = computed(() => [...byDay.value.keys()].sort((a, b) => a - b));

const entries = computed(() => draft.value.nights);

/** The days of the archive that are chosen. */
export const chosen = computed(() => chosenOf(entries.value, days.value));

/** Alerts in the chosen nights, as far as the archive knows them. */
export const alertsChosen = computed(() => {
  let sum = 0;
  for (const day of chosen.value) sum += byDay.value.get(day)?.alerts ?? 0;
  return sum;
});

let asked: Promise<void> | undefined;

/** Looks at the archive once; again after it failed. */
export function lookAtArchive(): Promise<void> {
  asked ??= look().catch((error) => {
    trouble.value = said(error);
    asked = undefined;
  });
  return asked;
}

/** The nights come first: the first view needs no more. */
async function look() {
  trouble.value = undefined;
  void api.classes().then((found) => void (classes.value = found), ignore);
  void api.schema().then((found) => void (fields.value = found.fields), ignore);
  void api.functions().then((found) => void (functions.value = found), ignore);
  nights.value = await api.nights();
  void followIndex();
}

/** While nights are being indexed, this long between looks, in milliseconds. */
const INDEXING = 3000;
/** After so many looks without a night more, nobody seems to be indexing. */
const PATIENCE = 20;

/** Grows when nights were indexed since the last look: counts are known better then. */
export const indexed = signal(0);

/** Looks again as long as nights are being indexed, as they are when a service has just begun. */
async function followIndex() {
  const count = () => nights.value?.filter((night) => night.indexed).length ?? 0;
  for (let idle = 0; idle < PATIENCE && count() < (nights.value?.length ?? 0); idle++) {
    await new Promise((done) => setTimeout(done, INDEXING));
    if (document.hidden) continue;
    const before = count();
    try {
      nights.value = await api.nights();
      if (count() === before) continue;
      classes.value = await api.classes();
      idle = 0;
      indexed.value++;
    } catch {
      // The next look may succeed.
    }
  }
}

/** The view works without these: they only help to choose. */
const ignore = () => {};
