import { useEffect, useRef, useState } from "preact/hooks";
import type { JobDocument, ProblemDocument } from "../api";
import { CopyButton } from "../components/CopyButton";
import { lazy } from "../components/lazy";
import { StateBadge } from "../components/StateBadge";
import { DataCard } from "../data/DataCard";
import { away, count, moment } from "../format";
import { Actions } from "./Actions";
import { Log, Request } from "./Aside";
import { Nights } from "./Nights";
import { atLeast } from "./nights";
import { Progress } from "./Progress";
import { Receipt } from "./Receipt";
import { isFinal, useJob } from "./watch";
import "./job.css";

const SampleCard = lazy(
  () => import("../sample/SampleCard").then((module) => module.default),
  () => <section class="card sample" aria-busy="true" />,
);

/** One job: watched while it runs, with what it brought. */
export default function JobPage({ id }: { id: string }) {
  const { job, problem, show } = useJob(id);
  if (!job) return problem ? <Unknown id={id} problem={problem} /> : <p class="waiting">Loading</p>;
  return (
    <div class="job">
      <Head job={job} show={show} />
      <Notices job={job} {...(problem && { problem })} />
      <Progress job={job} />
      <div class="halves">
        <div class="stack">
          <Nights job={job} />
          <Log job={job} />
        </div>
        <DataCard job={job} />
      </div>
      <SampleCard job={job} />
      <Receipt job={job} />
      <Request job={job} />
      <Announced job={job} />
    </div>
  );
}

function Head({ job, show }: { job: JobDocument; show: (job: JobDocument) => void }) {
  const { state, topic, created, expires, expired } = job.status;
  const title = job.name || `Job ${job.id.slice(0, 8)}`;
  useEffect(() => {
    const { alerts, counts } = job.status;
    const part = state === "running" && alerts > 0 ? `${Math.floor((100 * atLeast(counts).read) / alerts)} %` : state;
    document.title = `${part} · ${title} · nightferry`;
  }, [job]);
  return (
    <div class="head">
      <div class="names">
        <h1>{title}</h1>
        <p class="facts">
          <StateBadge state={expired ? "expired" : state} />
          {expired && <span class="muted">was {state}</span>}
          <span title={`${moment(created)} UTC`}>submitted {away(created)}</span>
          {topic && (
            <span title={`${moment(expires)} UTC`}>
              {expired ? "expired" : "expires"} {away(expires)}
            </span>
          )}
        </p>
        <p class="topic-of">
          {topic ? (
            <>
              <code>{topic}</code>
              <CopyButton text={topic} label="Copy topic" />
            </>
          ) : (
            <span class="muted">{isFinal(state) ? "no topic was made" : "the topic is being made"}</span>
          )}
        </p>
      </div>
      <Actions job={job} show={show} />
    </div>
  );
}

/** What one should know: no answer, a failure, nothing found, the service's own notes. */
function Notices({ job, problem }: { job: JobDocument; problem?: ProblemDocument }) {
  const { state, failure, notes, counts, topic, expired } = job.status;
  return (
    <div class="notices">
      {problem && (
        <p class="notice bad" role="alert">
          No answer; what is shown may be old. Trying again. {problem.detail}
        </p>
      )}
      {failure && (
        <p class="notice bad">
          {failure.reason}. {failure.worth_retrying ? "Trying again can help." : "Trying again will not help."}
        </p>
      )}
      {expired && <p class="notice">The alerts have expired: the topic is gone. Run the job again to get a new one.</p>}
      {state === "done" && topic && counts.sent === 0 && (
        <p class="notice">No alert passed. The topic exists and is empty.</p>
      )}
      {notes.length > 0 && (
        <ul class="notice notes-list" aria-label="Notes">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Unknown({ id, problem }: { id: string; problem: ProblemDocument }) {
  return (
    <>
      <h1>{problem.status === 404 ? "There is no such job" : problem.title}</h1>
      <p class="waiting">
        {problem.status === 404 ? <code>{id}</code> : problem.detail} <a href="#/jobs">See the list of jobs</a>
      </p>
    </>
  );
}

/** Tells those who hear the page of each tenth that is behind, and of the end. */
function Announced({ job }: { job: JobDocument }) {
  const { state, alerts, counts } = job.status;
  const tenth = alerts > 0 ? Math.floor((10 * counts.read) / alerts) : 0;
  const [text, say] = useState("");
  const first = useRef(true);
  useEffect(() => {
    if (!first.current)
      say(isFinal(state) ? `The job is ${state}: ${count(counts.sent)} alerts sent` : `${tenth * 10} %`);
    first.current = false;
  }, [state, tenth]);
  return (
    <p class="quiet-live" role="status">
      {text}
    </p>
  );
}
