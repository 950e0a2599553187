import { useEffect, useState } from "preact/hooks";
import { api, isAbort, said, type JobDocument, type Receipt as Books } from "../api";
import { Pages } from "../components/Pager";
import { bytes, count, moment, percent } from "../format";
import { checks, dropped } from "./books";
import { isFinal } from "./watch";
import "./receipt.css";

/** The receipt of a job that has ended: that it adds up, night by night and partition by partition. */
export function Receipt({ job }: { job: JobDocument }) {
  const [receipt, show] = useState<Books | undefined>();
  const [trouble, tell] = useState("");
  const { state, ended } = job.status;
  const over = isFinal(state);

  useEffect(() => {
    show(undefined);
    tell("");
    if (!over) return;
    const gone = new AbortController();
    api.receipt(job.id, gone.signal).then(show, (error) => !isAbort(error) && tell(said(error)));
    return () => gone.abort();
  }, [job.id, over, ended]);

  return (
    <section class="card receipt" aria-labelledby="receipt-title">
      <div class="title-line">
        <h2 id="receipt-title">Receipt</h2>
        {receipt && (
          <button type="button" onClick={() => save(`receipt-${job.id}.json`, receipt)}>
            Download as JSON
          </button>
        )}
      </div>
      {!over && <p class="muted">It is written when the job has ended, and checked against the topic.</p>}
      {over && !receipt && !trouble && <p class="waiting">Loading</p>}
      {trouble && <p class="notice bad">{trouble}</p>}
      {receipt && <Told receipt={receipt} />}
    </section>
  );
}

/** Has the browser save a value as a file of JSON. */
function save(name: string, value: unknown) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(value, null, 2)], { type: "application/json" }));
  link.download = name;
  link.click();
  // Once the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function Told({ receipt }: { receipt: Books }) {
  const sums = checks(receipt);
  const all = sums.every((sum) => sum.holds);
  const classes = Object.entries(receipt.total.classes).sort((a, b) => b[1] - a[1]);
  return (
    <div class="books">
      <div>
        <p class={all ? "verdict good" : "verdict bad"}>
          {all ? "It adds up." : "It does not add up."} <span class="muted">Written {moment(receipt.written)} UTC</span>
        </p>
        <ul class="sums">
          {sums.map((sum) => (
            <li key={sum.says} class={sum.holds ? "holds" : "fails"}>
              <span aria-hidden="true">{sum.holds ? "✓" : "✕"}</span>
              <span>
                {sum.holds ? "" : "Not so: "}
                {sum.says}
              </span>
              <b>{sum.holds ? count(sum.left) : `${count(sum.left)} and ${count(sum.right)}`}</b>
            </li>
          ))}
        </ul>
        {receipt.partitions.length > 0 && (
          <>
            <h3>By partition</h3>
            <Pages
              rows={receipt.partitions}
              label="The receipt by partition"
              head={
                <tr>
                  <th scope="col">partition</th>
                  <th scope="col">first offset</th>
                  <th scope="col">end offset</th>
                  <th scope="col">alerts</th>
                </tr>
              }
              row={({ partition, start, end, count: held }) => (
                <tr key={partition}>
                  <th scope="row">{partition}</th>
                  <td>{count(start)}</td>
                  <td>{count(end)}</td>
                  <td>{count(held ?? end - start)}</td>
                </tr>
              )}
            />
          </>
        )}
      </div>
      <div>
        <h3>By night</h3>
        <Pages
          rows={receipt.nights}
          label="The receipt by night"
          head={
            <tr>
              <th scope="col">night</th>
              <th scope="col">read</th>
              <th scope="col">dropped</th>
              <th scope="col">kept</th>
              <th scope="col">sent</th>
              <th scope="col">size</th>
              <th scope="col">files</th>
            </tr>
          }
          foot={
            <tr>
              <th scope="row">all</th>
              <td>{count(receipt.total.read)}</td>
              <td>{count(dropped(receipt.total))}</td>
              <td>{count(receipt.total.kept)}</td>
              <td>{count(receipt.total.sent)}</td>
              <td>{bytes(receipt.total.bytes_sent)}</td>
              <td>{count(receipt.nights.reduce((all, night) => all + night.files.length, 0))}</td>
            </tr>
          }
          row={({ night, part, counts, files, state, unfinished = 0 }) => (
            <tr key={`${night} ${part}`}>
              <th scope="row">
                {night}
                {part > 0 && `, part ${part + 1}`}
                {state !== "done" && <span class="muted"> {state}</span>}
              </th>
              <td>{count(counts.read)}</td>
              <td>{count(dropped(counts))}</td>
              <td>{count(counts.kept)}</td>
              <td>
                {count(counts.sent)}
                {unfinished > 0 && <span class="muted"> ({count(unfinished)} unfinished)</span>}
              </td>
              <td>{bytes(counts.bytes_sent)}</td>
              <td>{count(files.length)}</td>
            </tr>
          )}
        />
      </div>
      {classes.length > 0 && (
        <div>
          <h3>By class</h3>
          <Pages
            rows={classes}
            label="The receipt by class"
            head={
              <tr>
                <th scope="col">class</th>
                <th scope="col">kept</th>
                <th scope="col">share</th>
              </tr>
            }
            row={([name, kept]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{count(kept)}</td>
                <td class="muted">{percent(kept, receipt.total.kept)}</td>
              </tr>
            )}
          />
        </div>
      )}
    </div>
  );
}
