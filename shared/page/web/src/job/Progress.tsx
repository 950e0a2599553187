import type { Counts, JobDocument } from "../api";
import { bytes, count, counted, duration, percent } from "../format";
import { conditionsOf } from "./conditions";
import { atLeast, stages } from "./nights";
import { isFinal } from "./watch";
import "./progress.css";

/** How far a job is, in figures, and what became of the alerts that were read. */
export function Progress({ job }: { job: JobDocument }) {
  const { state, alerts, alerts_per_second, seconds_left, created, ended, topic } = job.status;
  const counts = atLeast(job.status.counts);
  const over = isFinal(state);
  const rate = alerts_per_second ? `${count(alerts_per_second)} /s` : "–";
  const took = ended ? duration((Date.parse(ended) - Date.parse(created)) / 1000) : "–";
  const left = seconds_left === null || seconds_left === undefined ? "–" : duration(seconds_left);
  return (
    <section class="card progress" aria-labelledby="progress-title">
      <h2 id="progress-title" class="quiet-live">
        Progress
      </h2>
      <div class="bar-line">
        <progress max={Math.max(1, alerts)} value={counts.read} aria-label="Alerts read" class={state} />
        <span class="part">{alerts > 0 ? percent(counts.read, alerts) : "–"}</span>
      </div>
      <dl class="totals">
        <Figure name="read" value={count(counts.read)} note={alerts > 0 ? `of ${count(alerts)}` : "not counted yet"} />
        <Figure name="kept" value={count(counts.kept)} note={`${percent(counts.kept, counts.read)} of those`} />
        <Figure name="sent" value={count(counts.sent)} note={topic ? "in the topic" : "no topic yet"} strong />
        <Figure
          name="size"
          value={counts.bytes_sent > 0 || counts.sent === 0 ? bytes(counts.bytes_sent) : "–"}
          note={fetched(counts)}
        />
        <Figure name={over ? "mean rate" : "rate"} value={rate} note="alerts read" />
        {over ? (
          <Figure name="took" value={took} note="from submit to end" />
        ) : (
          <Figure name="time left" value={left} note="at this rate" />
        )}
      </dl>
      <Flow job={job} />
    </section>
  );
}

/** What was read of the archive. A job of an earlier version has no count of requests. */
function fetched({ bytes_read, requests }: Counts): string {
  return `${bytes(bytes_read)} fetched${requests ? ` by ${counted(requests, "request")}` : ""}`;
}

function Figure({ name, value, note, strong }: { name: string; value: string; note: string; strong?: boolean }) {
  return (
    <div class={strong ? "figure strong" : "figure"}>
      <dt>{name}</dt>
      <dd>
        <b>{value}</b>
        <span>{note}</span>
      </dd>
    </div>
  );
}

/** What became of the alerts that were read, as one bar a stage. */
function Flow({ job }: { job: JobDocument }) {
  const { alerts } = job.status;
  const counts = atLeast(job.status.counts);
  const classes = job.classes ?? [];
  const list = stages(counts, conditionsOf(job.conditions ?? ""), classes.length > 0, job.limit != null || !!job.test);
  const most = Math.max(1, alerts, counts.read);
  let behind = 0;
  return (
    <table class="flow" aria-label="What became of the alerts that were read">
      <tbody>
        {list.map((stage) => {
          const offset = stage.kind === "dropped" ? counts.read - behind - stage.alerts : 0;
          if (stage.kind === "dropped") behind += stage.alerts;
          return (
            <tr key={stage.label} class={stage.kind}>
              <th scope="row">
                {stage.label}
                {stage.detail && <code title={stage.detail}>{stage.detail}</code>}
              </th>
              <td class="amount">
                {stage.kind === "dropped" && stage.alerts > 0 ? "−" : ""}
                {count(stage.alerts)}
              </td>
              <td class="share" aria-hidden="true">
                <svg width="100%" height="10" preserveAspectRatio="none" viewBox="0 0 1000 10">
                  <rect
                    x={(1000 * Math.max(0, offset)) / most}
                    width={(1000 * stage.alerts) / most}
                    height="10"
                    rx="0"
                  />
                </svg>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
