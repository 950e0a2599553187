import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { count, counted } from "../format";
import { alertsChosen, chosen, days, nights } from "./archive";
import { Calendar, choose, monthName } from "./Calendar";
import { change, draft, missing, replaced } from "./draft";
import { problemsAt } from "./estimating";
import { entriesOf, monthOf, today } from "./nights";
import { Problems } from "./Problems";
import { YearMap } from "./YearMap";
import "./nights.css";

/** A month is this wide at least, in pixels, with the space before it. */
const MONTH = 212;

/** The nights: a calendar, ready choices, and a text for who prefers to write. */
export function Nights() {
  const first = useSignal(monthOf(today()) - 2);
  const [shown, show] = useState(3);
  const room = useRef<HTMLDivElement>(null);
  const known = nights.value !== undefined;

  useLayoutEffect(() => {
    const box = room.current;
    if (!box) return;
    const fit = () => show(Math.max(1, Math.min(6, Math.floor((box.clientWidth + 18) / MONTH))));
    fit();
    const observer = new ResizeObserver(fit);
    observer.observe(box);
    return () => observer.disconnect();
  }, []);

  // The months in view begin where the choice ends, whenever a choice comes from elsewhere.
  useEffect(() => {
    if (!known) return;
    const last = [...chosen.peek()].reduce((a, b) => Math.max(a, b), 0) || (days.peek().at(-1) ?? today());
    first.value = monthOf(last) - shown + 1;
  }, [known, replaced.value, shown]);

  const all = days.value;
  const month = first.value;
  const bounds = all.length ? ([monthOf(all[0]!), monthOf(all.at(-1)!)] as const) : ([month, month] as const);
  const latest = (many: number) => choose(new Set(all.slice(-many)));
  return (
    <section class="card nights" aria-labelledby="nights-title">
      <header>
        <h2 id="nights-title">Nights</h2>
        <p class="muted small" role="status">
          {known
            ? `${counted(chosen.value.size, "night")} of ${count(all.length)}, ${counted(alertsChosen.value, "alert")}`
            : " "}
        </p>
        <div class="ready" role="group" aria-label="Ready choices">
          <button type="button" class="plain" onClick={() => latest(1)}>
            Latest
          </button>
          <button type="button" class="plain" onClick={() => latest(7)}>
            Latest 7
          </button>
          <button type="button" class="plain" onClick={() => latest(30)}>
            Latest 30
          </button>
          <button type="button" class="plain" onClick={() => choose(new Set(all))}>
            All
          </button>
          <button type="button" class="plain" onClick={() => change({ nights: [] })}>
            None
          </button>
        </div>
      </header>
      <div class="when">
        <YearMap first={first} shown={shown} />
        <div class="room" ref={room}>
          <div class="turn">
            <button
              type="button"
              aria-label="Earlier months"
              disabled={month <= bounds[0]}
              onClick={() => (first.value = Math.max(bounds[0], month - shown))}
            >
              <Arrow to="left" />
            </button>
            <span class="quiet-live" role="status">
              {monthName(month)} to {monthName(month + shown - 1)}
            </span>
            <button
              type="button"
              aria-label="Later months"
              disabled={month + shown - 1 >= bounds[1]}
              onClick={() => (first.value = Math.min(Math.max(bounds[0], bounds[1] - shown + 1), month + shown))}
            >
              <Arrow to="right" />
            </button>
          </div>
          <Calendar first={first} shown={shown} />
        </div>
      </div>
      <div class="written">
        <NightsText />
        <Legend />
      </div>
      <Problems
        of={known && missing.value.nights ? [{ place: "nights", reason: missing.value.nights }] : problemsAt("nights")}
      />
    </section>
  );
}

/** The same choice as text. */
function NightsText() {
  const entries = draft.value.nights;
  const own = entries.join(", ");
  const [text, write] = useState(own);
  const typed = useRef(own);
  // What the calendar chose replaces the text, but not while the text itself is the source.
  useEffect(() => {
    const now = draft.peek().nights.join(", ");
    if (now !== typed.current) write((typed.current = now));
  }, [own]);
  return (
    <label class="text">
      <span>As text</span>
      <input
        type="text"
        class="mono"
        value={text}
        spellcheck={false}
        autocomplete="off"
        placeholder="2025-09-01..2025-09-05, yesterday"
        aria-describedby="nights-hint"
        onInput={(event) => {
          const value = event.currentTarget.value;
          write(value);
          const found = entriesOf(value);
          typed.current = found.join(", ");
          change({ nights: found });
        }}
        onBlur={() => write((typed.current = draft.peek().nights.join(", ")))}
      />
      <span id="nights-hint" class="quiet-live">
        Nights and ranges, such as 2025-09-01..2025-09-05, 2026-03-22, yesterday or 7 days ago..yesterday
      </span>
    </label>
  );
}

function Legend() {
  return (
    <p class="legend muted small">
      <span>
        few
        {[1, 2, 3, 4, 5].map((step) => (
          <i key={step} class={`heat-${step}`} />
        ))}
        many alerts
      </span>
      <span>
        <i class="picked" />
        chosen
      </span>
      <span>
        <i class="empty" />
        none
      </span>
      <span>
        <i class="unknown" />
        not indexed
      </span>
      <span>
        <i>·</i>
        not in the archive
      </span>
    </p>
  );
}

export function Arrow({ to }: { to: "left" | "right" }) {
  return (
    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" class="arrow">
      <path d={to === "left" ? "M10 3 5 8l5 5" : "M6 3l5 5-5 5"} />
    </svg>
  );
}
