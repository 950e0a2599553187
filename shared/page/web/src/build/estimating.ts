import { computed, effect, signal } from "@preact/signals";
import { ApiError, api, isAbort, said, type Estimate, type JobRequest, type Problem } from "../api";
import { missing, request } from "./draft";
import { classes, indexed } from "./archive";

/**
 * A change that comes sooner than this after the one before, in milliseconds, waits as long itself: a click is answered
 * at once, typing does not ask for every letter.
 */
const QUIET = 120;
/** Asks again after this long where the service could not answer, in milliseconds. */
const AGAIN = 3000;

/** The newest estimate that succeeded. */
export const estimate = signal<Estimate | undefined>(undefined);
/** What is wrong with the request as it is now. */
export const problems = signal<Problem[]>([]);
/** Whether it is the request that is wrong; else the service could not answer for now, and is asked again. */
export const refused = signal(false);
/** Whether the estimate is of an earlier state of the request. */
export const stale = signal(true);
/** Alerts by class in the chosen nights; undefined until they are known. */
export const inNights = signal<Map<string, number> | undefined>(undefined);

let flight: AbortController | undefined;
let timer = 0;

/** Keeps the estimate at the draft: one question at a time, the newest wins. Returns what ends it. */
export function keepEstimating(): () => void {
  let last = -Infinity;
  const end = effect(() => {
    const asked = request.value;
    // Asked again when more of the archive is known.
    void indexed.value;
    const open = Object.keys(missing.value).length > 0;
    clearTimeout(timer);
    flight?.abort();
    if (open) {
      stale.value = true;
      problems.value = [];
      refused.value = false;
      return;
    }
    stale.value = true;
    const now = performance.now();
    if (now - last > QUIET) void ask(asked);
    else timer = window.setTimeout(() => void ask(asked), QUIET);
    last = now;
  });
  return () => {
    clearTimeout(timer);
    flight?.abort();
    end();
  };
}

async function ask(asked: JobRequest) {
  const own = (flight = new AbortController());
  try {
    const answer = await api.estimate(asked, own.signal);
    if (own !== flight) return;
    estimate.value = answer;
    problems.value = [];
    refused.value = false;
    stale.value = false;
    if (answer.classes?.length) {
      inNights.value = new Map(answer.classes.map((each) => [each.class, each.alerts_in_nights]));
    }
  } catch (error) {
    if (isAbort(error) || own !== flight) return;
    problems.value = problemsOf(error);
    refused.value = isOfRequest(error);
    if (refused.value) await countClasses(asked.nights, own);
    else timer = window.setTimeout(() => void ask(asked), AGAIN);
  }
}

/** Whether an error says that the request is wrong, rather than that nobody could answer it. */
function isOfRequest(error: unknown): boolean {
  const status = error instanceof ApiError ? error.problem.status : 0;
  return status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status);
}

/** Counts the classes of the nights where the estimate could not. */
async function countClasses(nights: string[], own: AbortController) {
  // A longer address may be refused on the way.
  if (nights.join(",").length > 4000) return;
  try {
    const answer = await api.classes(nights, own.signal);
    if (own === flight) inNights.value = new Map(answer.map((each) => [each.class, each.alerts]));
  } catch {
    // The older counts stay.
  }
}

/** The complaints of an error, each at the part of the request that it is about. */
export function problemsOf(error: unknown): Problem[] {
  if (!(error instanceof ApiError)) return [{ place: "", reason: said(error) }];
  const { problem } = error;
  if (problem.problems?.length) return problem.problems.map(placed);
  if (problem.status === 404 && /chosen nights/.test(problem.detail)) {
    return [{ place: "nights", reason: problem.detail }];
  }
  const field = problem.status === 422 && /^unknown field `([^`]+)`/.exec(problem.detail);
  return [{ place: field ? "content" : "", reason: problem.detail || problem.title }];
}

/** Complaints about a part that could not be read are told of the whole document; this finds their part. */
function placed(problem: Problem): Problem {
  const part = /^(nights|content|limit|pace|classes)\b[^:]*: (.*)$/s.exec(problem.reason);
  if (problem.place !== "document" || !part) return problem;
  return { place: part[1]!, reason: part[2]!.replace(/ at line \d+ column \d+$/, "") };
}

/** The complaints about a part, such as `nights`. */
export const problemsAt = (part: string) =>
  problems.value.filter(({ place }) => place === part || place.startsWith(`${part},`) || place.startsWith(`${part}.`));

const PARTS = ["nights", "classes", "conditions", "content", "limit", "partitions", "pace", "name"];

/** The complaints that belong to no part that is shown. */
export const otherProblems = computed(() =>
  problems.value.filter(({ place }) => !PARTS.some((part) => place.startsWith(part))),
);

/** The classes of the archive and those of the nights, most alerts in the chosen nights first. */
export const classList = computed(() => {
  const counts = inNights.value;
  const all = new Map((classes.value ?? []).map((each) => [each.class, each.alerts]));
  for (const [label, alerts] of counts ?? []) if (!all.has(label)) all.set(label, alerts);
  const list = [...all].map(([label, alerts]) => ({
    label,
    alerts,
    inNights: counts ? (counts.get(label) ?? 0) : alerts,
  }));
  return list.sort((a, b) => b.inNights - a.inNights || b.alerts - a.alerts || (a.label < b.label ? -1 : 1));
});

/** What would pass, by class. */
export const passing = computed(() => new Map((estimate.value?.classes ?? []).map((each) => [each.class, each])));
