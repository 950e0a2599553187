import type { JobDocument } from "../api";
import { clock, count, moment } from "../format";

/** What was asked for. */
export function Request({ job }: { job: JobDocument }) {
  const { pace } = job;
  const content = Array.isArray(job.content) ? job.content.join(", ") : job.content;
  const rows: [string, string | undefined, boolean?][] = [
    ["survey", (job.survey ?? "ztf").toUpperCase()],
    ["nights", job.nights.join(", ")],
    ["classes", job.classes?.join(", ") || "all"],
    ["conditions", job.conditions?.trim() || "none", !!job.conditions],
    ["content", content],
    ["limit", job.limit != null ? count(job.limit) : job.test ? "10, a test job" : undefined],
    ["partitions", count(job.status.partitions)],
    ["pace", pace ? paceText(pace) : undefined],
    ["job", job.id, true],
  ];
  return (
    <section class="card" aria-labelledby="request-title">
      <h2 id="request-title">Request</h2>
      <dl class="request">
        {rows.map(
          ([name, value, code]) =>
            value !== undefined && (
              <div key={name}>
                <dt>{name}</dt>
                <dd class={code ? "mono" : ""}>{value}</dd>
              </div>
            ),
        )}
      </dl>
    </section>
  );
}

function paceText(pace: NonNullable<JobDocument["pace"]>): string | undefined {
  const parts = [
    pace.alerts_per_second && `${count(pace.alerts_per_second)} alerts a second`,
    pace.bytes_per_second && `${count(pace.bytes_per_second)} bytes a second`,
    pace.nights_at_once && `${count(pace.nights_at_once)} nights at once`,
  ];
  return parts.filter(Boolean).join(", ") || undefined;
}

/** What happened, the newest last. */
export function Log({ job }: { job: JobDocument }) {
  const { log } = job.status;
  const days = new Set(log.map(({ time }) => time.slice(0, 10))).size;
  return (
    <section class="card" aria-labelledby="log-title">
      <h2 id="log-title">Log</h2>
      <ol class="log" tabIndex={0} aria-label="Log, times in UTC">
        {log.map(({ time, text }, i) => (
          <li key={i}>
            <time dateTime={time}>{days > 1 ? `${moment(time).slice(5, 10)} ${clock(time)}` : clock(time)}</time>
            <span>{text}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
