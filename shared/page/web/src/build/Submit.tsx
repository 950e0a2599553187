import { useState } from "preact/hooks";
import { api, type Problem } from "../api";
import { go, jobLink } from "../router";
import { missing, request } from "./draft";
import { problemsOf, refused as isRefused } from "./estimating";
import { Problems } from "./Problems";

/** Sends the request and goes to the job that it becomes. */
export function Submit() {
  const [busy, work] = useState(false);
  const [refused, refuse] = useState<{ of: unknown; problems: Problem[] } | undefined>(undefined);
  const now = request.value;
  const open = Object.keys(missing.value).length > 0 || isRefused.value;
  const submit = async () => {
    if (open || busy) return;
    work(true);
    try {
      const job = await api.submit(now);
      go(jobLink(job.id));
    } catch (error) {
      refuse({ of: now, problems: problemsOf(error) });
      work(false);
    }
  };
  return (
    <>
      {refused?.of === now && <Problems of={refused.problems} />}
      <button type="button" class="primary submit" aria-disabled={open || busy} onClick={submit}>
        {busy ? "Submitting" : now.test ? "Submit test job" : "Submit job"}
      </button>
    </>
  );
}
