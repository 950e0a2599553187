import { useEffect, useState } from "preact/hooks";
import { api, isAbort, said, type JobState, type JobSummary } from "../api";
import { CopyButton } from "../components/CopyButton";
import { StateBadge } from "../components/StateBadge";
import { away, count, counted, moment } from "../format";
import { isFinal } from "../job/watch";
import { jobLink } from "../router";
import "./jobs.css";

const STATES: readonly JobState[] = ["queued", "running", "done", "partial", "failed", "cancelled"];
const WHILE_RUNNING = 2000;
const OTHERWISE = 15_000;
const PAGE = 100;

/** The list of one's jobs, newest first: state, topic, what was sent, when it expires. */
export default function JobsPage() {
  const [most, setMost] = useState(PAGE);
  const { jobs, trouble } = useJobs(most);
  const [search, look] = useState("");
  const [only, choose] = useState<JobState | "">("");
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = jobs?.filter((job) => {
    const whole = `${job.name ?? ""} ${job.id} ${job.topic ?? ""} ${job.content}`.toLowerCase();
    return (!only || job.state === only) && words.every((word) => whole.includes(word));
  });
  return (
    <div class="jobs">
      <div class="title-line">
        <h1>Jobs</h1>
        <div class="seek">
          <input
            type="search"
            aria-label="Search jobs by name, topic or content"
            placeholder="Name, topic or content"
            value={search}
            onInput={(event) => look(event.currentTarget.value)}
          />
          <select
            aria-label="State"
            value={only}
            onChange={(event) => choose(event.currentTarget.value as JobState | "")}
          >
            <option value="">any state</option>
            {STATES.map((state) => (
              <option key={state}>{state}</option>
            ))}
          </select>
        </div>
      </div>
      {trouble && (
        <p class="notice bad" role="alert">
          {jobs ? "No answer; the list may be old. Trying again. " : ""}
          {trouble}
        </p>
      )}
      {!jobs && !trouble && <p class="waiting">Loading</p>}
      {jobs?.length === 0 && (
        <p class="waiting">
          There are no jobs yet. <a href="#/">Choose some nights</a>
        </p>
      )}
      {shown && jobs && jobs.length > 0 && (
        <>
          <p class="quiet-live" role="status">
            {search || only ? counted(shown.length, "job") : ""}
          </p>
          {shown.length > 0 ? <List jobs={shown} /> : <p class="waiting">No job is like that.</p>}
        </>
      )}
      {jobs && jobs.length >= most && (
        <button type="button" onClick={() => setMost(most + PAGE)}>
          Show older jobs
        </button>
      )}
    </div>
  );
}

function List({ jobs }: { jobs: JobSummary[] }) {
  return (
    <table class="job-list">
      <thead>
        <tr>
          <th scope="col">job</th>
          <th scope="col">state</th>
          <th scope="col" class="amount">
            sent
          </th>
          <th scope="col">content</th>
          <th scope="col">topic</th>
          <th scope="col">submitted</th>
          <th scope="col">expires</th>
        </tr>
      </thead>
      <tbody>
        {jobs.map((job) => (
          <tr key={job.id}>
            <th scope="row" class="of-name">
              <a href={jobLink(job.id)}>{job.name || `Job ${job.id.slice(0, 8)}`}</a>
            </th>
            <td class="state-cell">
              <StateBadge state={job.expired ? "expired" : job.state} />
            </td>
            <td class="amount sent">
              {count(job.sent)} <span class="lead">sent</span>
            </td>
            <td class="of-content" title={job.content}>
              {job.content}
            </td>
            <td class="topic-of">
              {job.topic ? (
                <span class="topic-line">
                  <code title={job.topic}>{job.topic}</code>
                  {!job.expired && <CopyButton text={job.topic} />}
                </span>
              ) : (
                <span class="muted">{isFinal(job.state) ? "none" : "being made"}</span>
              )}
            </td>
            <td class="submitted" title={`${moment(job.created)} UTC`}>
              <span class="lead">submitted </span>
              {away(job.created)}
            </td>
            <td class="expires" title={`${moment(job.expires)} UTC`}>
              {job.topic && (
                <>
                  <span class="lead">{job.expired ? "expired " : "expires "}</span>
                  {away(job.expires)}
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The newest jobs, looked at again and again. */
function useJobs(most: number): { jobs: JobSummary[] | undefined; trouble: string } {
  const [jobs, show] = useState<JobSummary[] | undefined>();
  const [trouble, tell] = useState("");
  useEffect(() => {
    const gone = new AbortController();
    let timer = 0;
    const wait = (milliseconds: number) => {
      clearTimeout(timer);
      timer = window.setTimeout(look, milliseconds);
    };
    async function look() {
      try {
        const answer = await api.jobs(most, gone.signal);
        show(answer);
        tell("");
        const busy = answer.some((job) => !isFinal(job.state));
        wait(busy && !document.hidden ? WHILE_RUNNING : OTHERWISE);
      } catch (error) {
        if (isAbort(error)) return;
        tell(said(error));
        wait(OTHERWISE / 3);
      }
    }
    const onVisible = () => !document.hidden && wait(0);
    document.addEventListener("visibilitychange", onVisible);
    void look();
    return () => {
      gone.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [most]);
  return { jobs, trouble };
}
