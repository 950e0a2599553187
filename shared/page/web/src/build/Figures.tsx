import { useEffect, useState } from "preact/hooks";
import type { Estimate } from "../api";
import { bytes, count, counted, duration, percent } from "../format";
import { service } from "../service";
import { ClassBars, NightBars } from "./Bars";
import { nights } from "./archive";
import { draft, missing } from "./draft";
import { estimate, otherProblems, problems, stale } from "./estimating";
import { Gauge } from "./Gauge";
import { Problems } from "./Problems";
import { Submit } from "./Submit";
import "./figures.css";

/** What the query would bring, kept in view while it is built. */
export function Figures() {
  const now = estimate.value;
  const old = useSlow(stale.value);
  const faulty = problems.value.length > 0 || Object.keys(missing.value).length > 0;
  const limited = draft.value.limit !== null || draft.value.test;
  return (
    <aside class={`card figures${old || faulty ? " stale" : ""}`} aria-label="What it would bring">
      <div class="scroll">
        <Headline now={now} faulty={faulty} />
        <dl class="sizes">
          <Size name="In the topic" value={now ? (now.bytes == null ? sizeless(now) : bytes(now.bytes)) : "–"} />
          <Size name="On disk" value={now ? (now.disk_bytes == null ? sizeless(now) : bytes(now.disk_bytes)) : "–"} />
          <Size name="Takes about" value={now ? (now.seconds == null ? "unknown" : duration(now.seconds)) : "–"} />
        </dl>
        {now && <Limits now={now} />}
        <NightBars nights={now?.nights ?? []} limited={limited} />
        <ClassBars classes={now?.classes ?? []} limited={limited} />
        <Remarks now={now} />
      </div>
      <div class="foot">
        <Problems of={otherProblems.value} />
        <Submit />
      </div>
      <Spoken />
    </aside>
  );
}

const sizeless = (now: Estimate) => (now.alerts === 0 ? "0 B" : "unknown");

function Headline({ now, faulty }: { now: Estimate | undefined; faulty: boolean }) {
  if (!now) {
    return (
      <div class="headline">
        <p class="big">
          <b>–</b> alerts
        </p>
        <p class="muted">{nights.value && faulty ? (open() ?? "The request has an error") : "Estimating"}</p>
        <p class="muted small"> </p>
      </div>
    );
  }
  const share = now.alerts_in_nights ? ` (${percent(now.alerts, now.alerts_in_nights)})` : "";
  return (
    <div class={`headline${now.alerts === 0 ? " zero" : ""}`}>
      <p class="big">
        <b>{count(now.alerts)}</b> {now.alerts === 1 ? "alert" : "alerts"}
      </p>
      <p>
        {faulty
          ? (open() ?? "As it was before the error")
          : now.alerts === 0 && now.exact
            ? "None passes. The topic would stay empty."
            : now.exact
              ? "Counted, exact"
              : `95 %: ${count(now.alerts_low)} to ${count(now.alerts_high)}`}
      </p>
      <p class="muted small">
        of {count(now.alerts_in_nights)} in {counted(now.nights.length, "night")}
        {share}
        {!now.exact && now.alerts_tried ? `; conditions tried on ${count(now.alerts_tried)}` : ""}
      </p>
    </div>
  );
}

/** What is to be chosen before there can be figures. */
const open = () => missing.value.nights ?? missing.value.content;

function Size({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt class="muted small">{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** What is allowed in a job, drawn against what this one would take. */
function Limits({ now }: { now: Estimate }) {
  const limits = service.value?.limits;
  if (!limits) return null;
  const { job_nights, job_alerts, job_bytes } = limits;
  const days = [
    limits.day_nights !== null && counted(limits.day_nights, "night"),
    limits.day_alerts !== null && counted(limits.day_alerts, "alert"),
    limits.day_bytes !== null && bytes(limits.day_bytes),
  ].filter(Boolean);
  if (job_nights === null && job_alerts === null && job_bytes === null && !days.length) return null;
  return (
    <div class="limits">
      {job_alerts !== null && (
        <Gauge
          value={now.alerts}
          low={now.alerts_low}
          high={now.alerts_high}
          limit={job_alerts}
          label={`${count(job_alerts)} alerts are allowed in a job`}
        />
      )}
      {job_bytes !== null && (
        <Gauge value={now.bytes ?? 0} limit={job_bytes} label={`${bytes(job_bytes)} are allowed in a job`} />
      )}
      {job_nights !== null && (
        <Gauge
          value={now.nights.length}
          limit={job_nights}
          label={`${counted(job_nights, "night")} are allowed in a job`}
        />
      )}
      {days.length > 0 && <p class="small muted">In a day: {days.join(", ")}</p>}
    </div>
  );
}

/** What one should know of the chosen nights. */
function Remarks({ now }: { now: Estimate | undefined }) {
  if (!now) return <ul class="remarks" />;
  const unindexed = now.nights.filter((night) => !night.indexed).length;
  return (
    <ul class="remarks small muted">
      {now.empty_nights.length > 0 && (
        <li title={now.empty_nights.slice(0, 40).join(", ")}>
          {counted(now.empty_nights.length, "day")} of the ranges {now.empty_nights.length === 1 ? "is" : "are"} not in
          the archive.
        </li>
      )}
      {unindexed > 0 && (
        <li>
          {counted(unindexed, "night")} not indexed yet: the figures are coarser and classes are not counted there.
        </li>
      )}
      {now.unreadable.map((reason) => (
        <li key={reason} class="bad">
          {reason}
        </li>
      ))}
    </ul>
  );
}

/** Says the figures once they have settled. */
function Spoken() {
  const [text, say] = useState("");
  const now = estimate.value;
  const settled = !stale.value && now;
  useEffect(() => {
    if (!settled) return;
    const timer = setTimeout(() => {
      const size = settled.bytes == null ? "" : `, ${bytes(settled.bytes)}`;
      const range = settled.exact
        ? ", exact"
        : `, between ${count(settled.alerts_low)} and ${count(settled.alerts_high)}`;
      say(`${counted(settled.alerts, "alert")}${range}${size}`);
    }, 600);
    return () => clearTimeout(timer);
  }, [settled]);
  return (
    <p class="quiet-live" role="status">
      {text}
    </p>
  );
}

/** True once a value has been true for a moment, so that quick answers do not flicker. */
function useSlow(value: boolean): boolean {
  const [slow, set] = useState(false);
  useEffect(() => {
    if (!value) return set(false);
    const timer = setTimeout(() => set(true), 250);
    return () => clearTimeout(timer);
  }, [value]);
  return slow;
}
