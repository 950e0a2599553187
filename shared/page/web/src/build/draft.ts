import { computed, signal } from "@preact/signals";
import type { JobRequest, Pace, Survey } from "../types";
import { DEFAULT_CONTENT, PACKETS, requestOf } from "../query";

/** A query while it is built: a request in which nothing is left open. */
export interface Draft {
  survey: Survey;
  nights: string[];
  /** Classes to take; none means all. */
  include: string[];
  /** Classes to leave out. */
  exclude: string[];
  conditions: string;
  content: string | string[];
  limit: number | null;
  test: boolean;
  partitions: number | null;
  pace: Pace;
  name: string;
}

const EMPTY: Draft = {
  survey: "ztf",
  nights: [],
  include: [],
  exclude: [],
  conditions: "",
  content: DEFAULT_CONTENT,
  limit: null,
  test: false,
  partitions: null,
  pace: {},
  name: "",
};

export const draft = signal<Draft>(EMPTY);

/** The classes alone, so that what shows them rests while other parts change. */
export const included = computed(() => draft.value.include);
export const excluded = computed(() => draft.value.exclude);

/** Grows when the draft is replaced as a whole, so that fields with a text of their own take it over. */
export const replaced = signal(0);

export function change(part: Partial<Draft>) {
  draft.value = { ...draft.peek(), ...part };
}

/** Fills the draft from a request, such as one that a file or a link holds. */
export function fill(request: JobRequest) {
  draft.value = draftOf(request);
  replaced.value++;
}

/** The draft as a document, without what is left at its default. */
export const request = computed<JobRequest>(() => requestFrom(draft.value));

/** What the page cannot ask the service about yet, by the part that it is missing in. */
export const missing = computed<{ nights?: string; content?: string }>(() => {
  const { nights, content } = draft.value;
  return {
    ...(nights.length ? {} : { nights: "Choose at least one night." }),
    ...(content.length ? {} : { content: "Choose at least one field." }),
  };
});

export function requestFrom(draft: Draft): JobRequest {
  const pace = Object.fromEntries(Object.entries(draft.pace).filter(([, value]) => value != null));
  const classes = [...draft.include, ...draft.exclude.map((label) => `!${label}`)];
  return {
    ...(draft.name.trim() ? { name: draft.name.trim() } : {}),
    ...(draft.survey === "ztf" ? {} : { survey: draft.survey }),
    nights: draft.nights,
    ...(classes.length ? { classes } : {}),
    ...(draft.conditions.trim() ? { conditions: draft.conditions } : {}),
    content: draft.content,
    ...(draft.limit === null ? {} : { limit: draft.limit }),
    ...(draft.test ? { test: true } : {}),
    ...(draft.partitions === null ? {} : { partitions: draft.partitions }),
    ...(Object.keys(pace).length ? { pace } : {}),
  };
}

export function draftOf(request: JobRequest): Draft {
  const include = new Set<string>();
  const exclude = new Set<string>();
  for (const text of request.classes ?? []) {
    const [, not, label = ""] = /^\s*(!|not\s)?\s*(?:\(SIMBAD\)\s*)?(.*?)\s*$/i.exec(text) ?? [];
    if (label) (not ? exclude : include).add(label);
  }
  // With it among them, the others add nothing.
  if ([...include].some((label) => /^allclasses$/i.test(label))) include.clear();
  return {
    ...EMPTY,
    survey: request.survey ?? "ztf",
    nights: request.nights,
    include: [...include],
    exclude: [...exclude],
    conditions: request.conditions ?? "",
    content: contentOf(request.content),
    limit: request.limit ?? null,
    test: request.test ?? false,
    partitions: request.partitions ?? null,
    pace: request.pace ?? {},
    name: request.name ?? "",
  };
}

/** A packet under the name that the page has for it, whatever way it is written in. */
function contentOf(content: string | string[] | undefined): string | string[] {
  if (content === undefined) return DEFAULT_CONTENT;
  const alone = Array.isArray(content) ? (content.length === 1 ? content[0]! : undefined) : content;
  if (alone === undefined) return content;
  if (/^lightcurve$/i.test(alone)) return DEFAULT_CONTENT;
  const packet = PACKETS.find((name) => name.toLowerCase() === alone.trim().toLowerCase());
  return packet ?? alone.split(",").map((field) => field.trim());
}

/** Fills the draft from the query of an address; says whether that holds one. */
export function fillFromAddress(query: string): boolean {
  const found = requestOf(query);
  if (found) fill(found);
  return found !== undefined;
}
