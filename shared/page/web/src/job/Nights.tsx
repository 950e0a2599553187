import { useMemo, useState } from "preact/hooks";
import type { JobDocument, TaskState } from "../api";
import { Pages } from "../components/Pager";
import { StateBadge } from "../components/StateBadge";
import { count, counted } from "../format";
import { NightCells } from "./NightCells";
import { failures, nightsOf, ranges, tally, type JobNight } from "./nights";
import "./nights.css";

/** The nights of a job: cells that fill, what went wrong in which, and all of them as a table. */
export function Nights({ job }: { job: JobDocument }) {
  const nights = useMemo(() => nightsOf(job.status.nights), [job.status.nights]);
  const troubles = useMemo(() => failures(nights), [nights]);
  const { empty_nights: empty } = job.status;
  return (
    <section class="card" aria-labelledby="nights-title">
      <h2 id="nights-title">{nights.length > 0 ? counted(nights.length, "night") : "Nights"}</h2>
      {nights.length > 0 ? (
        <NightCells nights={nights} />
      ) : (
        <p class="waiting">The nights appear once the job is split into tasks.</p>
      )}
      {empty.length > 0 && (
        <p class="small muted">
          {counted(empty.length, "chosen night is", "chosen nights are")} not in the archive: <Listed nights={empty} />
        </p>
      )}
      {troubles.length > 0 && (
        <div class="troubles" role="group" aria-label="What went wrong">
          {troubles.slice(0, 5).map(({ reason, nights }) => (
            <div key={reason} class="notice bad">
              <p class="reason">{reason}</p>
              <p class="small muted">
                {counted(nights.length, "night")}: <Listed nights={nights} />
              </p>
            </div>
          ))}
          {troubles.length > 5 && <p class="muted">and {count(troubles.length - 5)} other reasons, in the table</p>}
        </div>
      )}
      {nights.length > 0 && <NightTable nights={nights} />}
    </section>
  );
}

/** Nights as ranges; only the first of very many. */
function Listed({ nights }: { nights: string[] }) {
  const all = ranges(nights);
  const first = all.slice(0, 8).join(", ");
  return (
    <>
      {first}
      {all.length > 8 && `, and ${count(all.length - 8)} more`}
    </>
  );
}

function NightTable({ nights }: { nights: JobNight[] }) {
  const [open, setOpen] = useState(false);
  const [only, choose] = useState<TaskState | "">("");
  const counts = tally(nights);
  const shown = only ? nights.filter((night) => night.state === only) : nights;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>As a table</summary>
      {open && (
        <>
          <label class="only">
            Show{" "}
            <select value={only} onChange={(event) => choose(event.currentTarget.value as TaskState | "")}>
              <option value="">all nights</option>
              {(Object.keys(counts) as TaskState[])
                .filter((state) => counts[state] > 0)
                .map((state) => (
                  <option key={state} value={state}>
                    {state} ({count(counts[state])})
                  </option>
                ))}
            </select>
          </label>
          <Pages
            rows={shown}
            label="The nights of the job"
            head={
              <tr>
                <th scope="col">night</th>
                <th scope="col" class="word">
                  state
                </th>
                <th scope="col">in the archive</th>
                <th scope="col">read</th>
                <th scope="col">kept</th>
                <th scope="col">sent</th>
                <th scope="col">begun again</th>
                <th scope="col" class="word">
                  what went wrong
                </th>
              </tr>
            }
            row={(night) => (
              <tr key={night.night}>
                <th scope="row">{night.night}</th>
                <td class="word">
                  <StateBadge state={night.state} />
                </td>
                <td>{count(night.alerts)}</td>
                <td>{count(night.read)}</td>
                <td>{count(night.kept)}</td>
                <td>{count(night.sent)}</td>
                <td>{night.repeated ? `${count(night.repeated)}×` : ""}</td>
                <td class="word reason">{night.reasons.join("; ")}</td>
              </tr>
            )}
          />
        </>
      )}
    </details>
  );
}
