import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api, ApiError, isAbort, type JobDocument, type JobState, type ProblemDocument } from "../api";

/** What is known of a job that is watched. */
export interface Watched {
  job?: JobDocument;
  /** Why the last look brought nothing; the job stays as it was seen before. */
  problem?: ProblemDocument;
  /** Shows an answer that another request brought, and goes on looking. */
  show: (job: JobDocument) => void;
}

/** Whether a job has ended, so that only a retry changes it. */
export const isFinal = (state: JobState) => state !== "queued" && state !== "running";

const WHILE_RUNNING = 1000;
const WHILE_HIDDEN = 15_000;
const WHEN_ENDED = 60_000;
const WHEN_LOST = 3000;

/**
 * Looks at a job again and again: each second while it runs, seldom when the page is hidden or the job has ended. A large
 * job is looked at less often, so that looking takes a quarter of the time at most.
 */
export function useJob(id: string): Watched {
  const [{ job, problem }, set] = useState<{ job?: JobDocument; problem?: ProblemDocument }>({});
  const lookSoon = useRef<(shown?: JobDocument) => void>(() => undefined);

  useEffect(() => {
    const gone = new AbortController();
    let timer = 0;
    let known: JobDocument | undefined;
    let looking = false;

    const wait = (milliseconds: number) => {
      clearTimeout(timer);
      timer = window.setTimeout(look, milliseconds);
    };
    async function look() {
      if (looking) return;
      looking = true;
      const began = performance.now();
      try {
        known = await api.job(id, gone.signal);
        set({ job: known });
        const took = performance.now() - began;
        if (isFinal(known.status.state)) wait(WHEN_ENDED);
        else wait(Math.max(document.hidden ? WHILE_HIDDEN : WHILE_RUNNING, 3 * took));
      } catch (error) {
        if (isAbort(error)) return;
        const said = error instanceof ApiError ? error.problem : undefined;
        const problem = said ?? { type: "about:blank", title: "No answer", status: 0, detail: String(error) };
        set(known ? { job: known, problem } : { problem });
        if (known || problem.status !== 404) wait(WHEN_LOST);
      } finally {
        looking = false;
      }
    }
    const onVisible = () => !document.hidden && wait(0);
    lookSoon.current = (shown) => {
      if (shown) set({ job: (known = shown) });
      wait(200);
    };
    document.addEventListener("visibilitychange", onVisible);
    void look();
    return () => {
      gone.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [id]);

  const show = useCallback((shown: JobDocument) => lookSoon.current(shown), []);
  return { ...(job && { job }), ...(problem && { problem }), show };
}
