import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { apiUrl, type JobDocument } from "../api";
import { CopyButton } from "../components/CopyButton";
import { isFinal } from "../job/watch";
import { askService, service } from "../service";
import { download, finkRegister, finkTransfer, python, verify, type Target } from "./commands";
import "./data.css";

const WAYS = [
  ["nightferry", "nightferry"],
  ["fink", "finkctl"],
  ["python", "Python"],
] as const;
type Way = (typeof WAYS)[number][0];

/** The ready commands that bring the alerts to one's own machine, in three ways. */
export function DataCard({ job }: { job: JobDocument }) {
  const [way, choose] = useState<Way>("fink");
  const tabs = useRef<HTMLDivElement>(null);
  useEffect(() => void askService(), []);
  const { topic, expired, state } = job.status;
  const bootstrap = service.value?.bootstrap;

  const onKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    const at = WAYS.findIndex(([name]) => name === way);
    const next = (at + step + WAYS.length) % WAYS.length;
    choose(WAYS[next]![0]);
    tabs.current?.querySelectorAll("button")[next]?.focus();
  };

  return (
    <section class="card data" aria-labelledby="data-title">
      <div class="title-line">
        <h2 id="data-title">Get the data</h2>
        <div class="segments" role="tablist" aria-label="With which client" ref={tabs} onKeyDown={onKey}>
          {WAYS.map(([name, label]) => (
            <button
              key={name}
              id={`way-${name}`}
              type="button"
              role="tab"
              aria-selected={way === name}
              aria-controls="way"
              tabIndex={way === name ? 0 : -1}
              onClick={() => choose(name)}
            >
              {label}
            </button>
          ))}
        </div>
      </div>
      <div id="way" role="tabpanel" aria-labelledby={`way-${way}`}>
        {expired ? (
          <p class="muted">The topic has expired: there is nothing left to fetch.</p>
        ) : !topic ? (
          <p class="muted">
            {isFinal(state) ? "No topic was made." : "The commands appear as soon as the topic is made."}
          </p>
        ) : !bootstrap ? (
          <p class="muted">Waiting for the address of the broker.</p>
        ) : (
          <Steps
            way={way}
            target={{ survey: job.survey ?? "ztf", topic, bootstrap, api: apiUrl.replace(/v1\/$/, "") }}
            running={!isFinal(state)}
          />
        )}
      </div>
    </section>
  );
}

function Steps({ way, target, running }: { way: Way; target: Target; running: boolean }) {
  const early = running && "The job still runs: what is fetched now ends at the alerts that are there now. ";
  if (way === "nightferry")
    return (
      <>
        <Step
          says={`${running ? "Follows the job until it ends" : "Fetches each alert once"}; may be stopped and goes on where it was.`}
          text={download(target)}
        />
        <Step says="Then compares receipt, topic and folder, alert by alert." text={verify(target)} />
      </>
    );
  if (way === "fink")
    return (
      <>
        <Step says="Once on a machine:" text="pip install fink-client" />
        <Step says="Then tell it where the broker is; any name will do." text={finkRegister(target)} />
        <Step
          says={
            <>
              {early}Fetch into the folder <code>alerts</code>. It waits ten seconds at the end of each partition.
            </>
          }
          text={finkTransfer(target)}
        />
      </>
    );
  return (
    <>
      <Step says="Needs two packages:" text="pip install confluent-kafka fastavro" />
      <Step says={<>{early}Reads every alert from the beginning, and stops at the end.</>} text={python(target)} />
    </>
  );
}

function Step({ says, text }: { says: ComponentChildren; text: string }) {
  return (
    <div class="step">
      <div class="says">
        <p>{says}</p>
        <CopyButton text={text} />
      </div>
      <pre class="code" tabIndex={0}>
        <code>{text}</code>
      </pre>
    </div>
  );
}
