import { useEffect, useRef, useState } from "preact/hooks";
import { api, said, type JobDocument } from "../api";
import { linkOf } from "../query";
import { go, jobLink } from "../router";
import { isFinal } from "./watch";

/** What can be done with a job: stop it, run its failed nights again, run all of it again, change its request. */
export function Actions({ job, show }: { job: JobDocument; show: (job: JobDocument) => void }) {
  const [asking, ask] = useState(false);
  const [busy, work] = useState(false);
  const [trouble, tell] = useState("");
  const keep = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const asked = useRef(false);
  const { state, nights, failure } = job.status;
  const ended = isFinal(state);
  const failed = nights.filter((night) => night.state === "failed").length;
  const canRetry = ended && (failed > 0 || (state === "failed" && !!failure));

  useEffect(() => {
    if (asking) keep.current?.focus();
    // The buttons that held the focus are gone: it goes on with those that took their place.
    else if (asked.current) box.current?.querySelector<HTMLElement>("button, a")?.focus();
    asked.current = asking;
  }, [asking]);
  useEffect(() => {
    if (ended) ask(false);
  }, [ended]);

  const act = async (request: () => Promise<JobDocument>) => {
    if (busy) return;
    work(true);
    tell("");
    try {
      const answer = await request();
      if (answer.id === job.id) show(answer);
      else go(jobLink(answer.id));
    } catch (error) {
      tell(said(error));
    }
    ask(false);
    work(false);
  };

  if (asking)
    return (
      <div class="actions asking" role="group" aria-label="Cancel this job?">
        <p>Stop here? The topic stays readable up to the alerts that were sent.</p>
        <button type="button" class="danger" aria-disabled={busy} onClick={() => act(() => api.cancel(job.id))}>
          Cancel the job
        </button>
        <button type="button" ref={keep} onClick={() => ask(false)}>
          Let it run
        </button>
      </div>
    );
  return (
    <div class="actions" ref={box}>
      {trouble && (
        <p class="trouble" role="alert">
          {trouble}
        </p>
      )}
      {!ended && (
        <button type="button" onClick={() => ask(true)}>
          Cancel
        </button>
      )}
      {canRetry && (
        <button type="button" class="primary" aria-disabled={busy} onClick={() => act(() => api.retry(job.id))}>
          Retry failed nights
        </button>
      )}
      {ended && (
        <button type="button" aria-disabled={busy} onClick={() => act(() => api.rerun(job.id))}>
          Run again
        </button>
      )}
      <a class="button" href={linkOf(job)}>
        Change and submit anew
      </a>
    </div>
  );
}
