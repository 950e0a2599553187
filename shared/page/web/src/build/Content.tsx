import { useState } from "preact/hooks";
import { bytes, count } from "../format";
import { PACKETS } from "../query";
import { fields } from "./archive";
import { change, draft, missing } from "./draft";
import { estimate, problemsAt, stale } from "./estimating";
import { FieldList } from "./FieldList";
import { Problems } from "./Problems";
import "./content.css";

/** What each packet is, in a few words, and how large an alert is as a rule. */
const ABOUT: Record<string, [what: string, size: string]> = {
  "Light packet": ["No history, no images", "1.4 KB"],
  Cutouts: ["The three images", "41 KB"],
  "Medium packet": ["With history, no images", "18 KB"],
  "Full packet": ["Everything", "55 KB"],
};

/** Fields that a list begins with. */
const FIRST_FIELDS = ["objectId", "candidate.jd", "candidate.ra", "candidate.dec", "candidate.magpsf", "candidate.fid"];

/** What an alert holds: one of the packets, or fields of one's choice. */
export function Content() {
  const { content } = draft.value;
  const listed = Array.isArray(content);
  const [kept, keep] = useState<string[]>(listed ? content : FIRST_FIELDS);
  const [open, show] = useState(false);
  const now = estimate.value;
  const alerts = now?.alerts ?? 0;
  const sizes = new Map((now?.contents ?? []).map((size) => [size.content, size]));
  const choose = (value: string) => {
    if (listed) keep(content);
    change({ content: value === "fields" ? kept : value });
  };
  const chosen = listed ? new Set(content) : undefined;
  return (
    <section class="card content" aria-labelledby="content-title">
      <header>
        <h2 id="content-title">Content</h2>
        <p class="muted small">What each alert holds</p>
      </header>
      <fieldset class={`packets${stale.value ? " stale" : ""}`}>
        <legend class="quiet-live">Content</legend>
        {PACKETS.map((name) => {
          const size = sizes.get(name);
          const [what, usual] = ABOUT[name]!;
          return (
            <Packet key={name} value={name} label={name} what={what} checked={content === name} choose={choose}>
              <b>{size && alerts ? bytes(size.bytes / alerts) : `about ${usual}`}</b> an alert
              <br />
              <span class="muted">
                {size && alerts ? `${bytes(size.bytes)}, on disk ${bytes(size.disk_bytes)}` : " "}
              </span>
            </Packet>
          );
        })}
        <Packet value="fields" label="Fields" what="Columns of your choice" checked={listed} choose={choose}>
          <b>{listed ? `${count(content.length)} chosen` : "your list"}</b>
          {listed && now?.bytes && alerts ? ` ${bytes(now.bytes / alerts)} an alert` : ""}
          <br />
          <span class="muted">
            {listed && now?.bytes ? `${bytes(now.bytes)}, on disk ${bytes(now.disk_bytes ?? 0)}` : " "}
          </span>
        </Packet>
      </fieldset>
      {chosen ? (
        <FieldList
          fields={fields.value ?? []}
          chosen={chosen}
          toggle={(field) =>
            change({
              content: chosen.has(field) ? [...chosen].filter((each) => each !== field) : [...chosen, field],
            })
          }
        />
      ) : (
        <details class="columns" open={open} onToggle={(event) => show(event.currentTarget.open)}>
          <summary>Columns of {content}</summary>
          {open && (
            <FieldList fields={(fields.value ?? []).filter((field) => field.contents.includes(String(content)))} />
          )}
        </details>
      )}
      <Problems
        of={missing.value.content ? [{ place: "content", reason: missing.value.content }] : problemsAt("content")}
      />
    </section>
  );
}

interface PacketProps {
  value: string;
  label: string;
  what: string;
  checked: boolean;
  choose: (value: string) => void;
  children: preact.ComponentChildren;
}

function Packet({ value, label, what, checked, choose, children }: PacketProps) {
  return (
    <label class="packet">
      <input type="radio" name="content" value={value} checked={checked} onChange={() => choose(value)} />
      <span class="name">{label}</span>
      <span class="what muted small">{what}</span>
      <span class="size small">{children}</span>
    </label>
  );
}
