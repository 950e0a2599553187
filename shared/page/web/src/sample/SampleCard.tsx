import { useEffect, useRef, useState } from "preact/hooks";
import { api, isAbort, isMissing, said, type JobDocument, type SampleAlert } from "../api";
import { isFinal } from "../job/watch";
import { AlertView } from "./AlertView";
import { isRecord } from "./lightcurve";
import { Stamp } from "./Stamp";
import { keyOf, summaryOf } from "./summary";
import "./sample.css";

const ENOUGH = 12;
const AGAIN_AFTER = 5000;

/** Some of the alerts that have arrived, so that one sees at once whether they are what was wanted. */
export default function SampleCard({ job }: { job: JobDocument }) {
  const { alerts, trouble } = useSample(job);
  const [chosen, choose] = useState("");
  const { state, expired, counts } = job.status;
  const sample = alerts?.find((one) => keyOf(one) === chosen) ?? alerts?.[0];
  return (
    <section class="card sample" aria-labelledby="sample-title">
      <h2 id="sample-title">
        Sample <span class="muted">{alerts?.length ? `${alerts.length} of the alerts that arrived` : ""}</span>
      </h2>
      {sample && alerts ? (
        <div class="sample-view">
          <ul class="alert-list" aria-label="Alerts of the sample">
            {alerts.map((one, i) => (
              <li key={i}>
                <AlertButton sample={one} at={i} pressed={one === sample} onChoose={() => choose(keyOf(one))} />
              </li>
            ))}
          </ul>
          <AlertView sample={sample} />
        </div>
      ) : (
        <p class={`muted waiting-place${!trouble && !expired && counts.sent > 0 ? " soon" : ""}`}>
          {expired
            ? "The alerts have expired."
            : trouble
              ? `No sample: ${trouble}`
              : counts.sent > 0
                ? "Loading"
                : isFinal(state)
                  ? "No alert was sent."
                  : "Alerts are shown here as soon as the first have arrived."}
        </p>
      )}
    </section>
  );
}

/** Asks for the sample once alerts were sent, and again while the job runs and there are few. */
function useSample(job: JobDocument): { alerts: SampleAlert[] | undefined; trouble: string } {
  const [alerts, show] = useState<SampleAlert[] | undefined>();
  const [trouble, tell] = useState("");
  const [round, again] = useState(0);
  const { state, expired, counts } = job.status;
  const over = isFinal(state);
  const any = counts.sent > 0 && !expired;
  const held = useRef(0);

  useEffect(() => {
    if (!any || held.current >= ENOUGH) return;
    const gone = new AbortController();
    let timer = 0;
    const retry = () => {
      if (!over) timer = window.setTimeout(() => again((value) => value + 1), AGAIN_AFTER);
    };
    api.sample(job.id, gone.signal).then(
      (answer) => {
        const arrived = answer.alerts.filter((one) => isRecord(one?.alert));
        tell(arrived.length ? "" : over ? "none was kept of this job" : "none has arrived yet");
        // Alerts that are shown stay; only a larger sample takes their place.
        if (arrived.length > held.current) {
          held.current = arrived.length;
          show(arrived);
        }
        retry();
      },
      (error) => {
        if (isAbort(error)) return;
        tell(isMissing(error) ? "this service gives none" : said(error));
        retry();
      },
    );
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [job.id, any, over, round]);
  return { alerts, trouble };
}

interface AlertButtonProps {
  sample: SampleAlert;
  at: number;
  pressed: boolean;
  onChoose: () => void;
}

function AlertButton({ sample, at, pressed, onChoose }: AlertButtonProps) {
  const { title, night, label, magnitude, band, position, stamp } = summaryOf(sample, at);
  return (
    <button type="button" class="alert" aria-pressed={pressed} onClick={onChoose}>
      {stamp && (
        <span aria-hidden="true">
          <Stamp data={stamp} label="" />
        </span>
      )}
      <span class="words">
        <span class="first">
          <b>{title}</b>
          {magnitude && (
            <span class={`magnitude band-${band || "none"}`}>
              {band} {magnitude}
            </span>
          )}
        </span>
        <span>{label ?? night}</span>
        <span class="small muted">
          {label ? night : ""} {position}
        </span>
      </span>
    </button>
  );
}
