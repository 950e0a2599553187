import { useMemo, useRef, useState } from "preact/hooks";
import { count, counted } from "../format";
import { classes } from "./archive";
import { change, draft, excluded, included } from "./draft";
import { classList, passing, problemsAt, stale } from "./estimating";
import { Problems } from "./Problems";
import "./classes.css";

/** Takes a class in, leaves it out, or neither. */
function set(label: string, as: "include" | "exclude" | undefined) {
  const { include, exclude } = draft.peek();
  change({
    include:
      as === "include"
        ? [...include.filter((each) => each !== label), label]
        : include.filter((each) => each !== label),
    exclude:
      as === "exclude"
        ? [...exclude.filter((each) => each !== label), label]
        : exclude.filter((each) => each !== label),
  });
}

/** The classes, with their alerts in the chosen nights, each to include or to exclude. */
export function Classes() {
  const [words, search] = useState("");
  const [active, activate] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const include = included.value;
  const exclude = excluded.value;
  const rows = useMemo(() => {
    const known = new Set(classList.value.map((each) => each.label));
    const foreign = [...include, ...exclude].filter((label) => !known.has(label));
    return [...foreign.map((label) => ({ label, inNights: 0, alerts: 0 })), ...classList.value];
  }, [classList.value, include, exclude]);
  const wanted = words.trim().toLowerCase();
  const found = wanted ? rows.filter((row) => row.label.toLowerCase().includes(wanted)) : rows;
  const most = rows.reduce((most, row) => Math.max(most, row.inNights), 1);
  const stop = Math.min(active, found.length - 1);

  const onKeyDown = (event: KeyboardEvent) => {
    const row = (event.target as HTMLElement).closest("li");
    if (!row || !list.current) return;
    const items = [...list.current.children];
    const at = items.indexOf(row);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const button = (event.target as HTMLElement).dataset.as;
    items[to]?.querySelector<HTMLElement>(`[data-as="${button}"]`)?.focus();
  };

  return (
    <section class="card classes" aria-labelledby="classes-title">
      <header>
        <h2 id="classes-title">Classes</h2>
        <p class="muted small">{include.length || exclude.length ? "" : "All, as none is chosen"}</p>
        {(include.length > 0 || exclude.length > 0) && (
          <button type="button" class="plain" onClick={() => change({ include: [], exclude: [] })}>
            Take all
          </button>
        )}
      </header>
      <input
        type="search"
        value={words}
        aria-label="Search the classes"
        placeholder={`Search ${counted(classList.value.length, "class", "classes")}`}
        onInput={(event) => (search(event.currentTarget.value), activate(0))}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") {
            event.preventDefault();
            list.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
          } else if (event.key === "Enter" && found.length === 1) set(found[0]!.label, "include");
        }}
      />
      <Chosen />
      <ul
        ref={list}
        style={{ "--digits": count(most).length }}
        onKeyDown={onKeyDown}
        aria-label="Classes, most alerts in the chosen nights first"
      >
        {found.map((row, at) => (
          <Row key={row.label} {...row} most={most} stop={at === stop} focused={() => activate(at)} />
        ))}
        {classes.value && found.length === 0 && (
          <li class="none">
            <span class="muted">No class of the archive is named like that.</span>
            {wanted && (
              <button type="button" onClick={() => (set(words.trim(), "include"), search(""))}>
                Include “{words.trim()}” all the same
              </button>
            )}
          </li>
        )}
      </ul>
      <Problems of={problemsAt("classes")} />
    </section>
  );
}

interface RowProps {
  label: string;
  inNights: number;
  most: number;
  stop: boolean;
  focused: () => void;
}

function Row({ label, inNights, most, stop, focused }: RowProps) {
  const include = included.value;
  const exclude = excluded.value;
  const as = include.includes(label) ? "include" : exclude.includes(label) ? "exclude" : undefined;
  const pass = stale.value && !passing.value.has(label) ? 0 : (passing.value.get(label)?.alerts ?? 0);
  const width = (alerts: number) => ({ "--share": alerts > 0 ? Math.max(0.008, Math.min(1, alerts / most)) : 0 });
  return (
    <li class={`${as ?? ""}${inNights ? "" : " gone"}`} onFocusCapture={focused}>
      <button
        type="button"
        class="plus"
        data-as="include"
        tabIndex={stop ? 0 : -1}
        aria-label={`Include ${label}`}
        title={`Include ${label}`}
        aria-pressed={as === "include"}
        onClick={() => set(label, as === "include" ? undefined : "include")}
      >
        <svg viewBox="0 0 12 12" aria-hidden="true">
          <path d={as === "include" ? "M2 6.5 4.8 9 10 3" : "M6 2v8M2 6h8"} />
        </svg>
      </button>
      <button
        type="button"
        class="minus"
        data-as="exclude"
        tabIndex={stop ? 0 : -1}
        aria-label={`Exclude ${label}`}
        title={`Exclude ${label}`}
        aria-pressed={as === "exclude"}
        onClick={() => set(label, as === "exclude" ? undefined : "exclude")}
      >
        <svg viewBox="0 0 12 12" aria-hidden="true">
          <path d="M2 6h8" />
        </svg>
      </button>
      <span class="label">{label}</span>
      <span class="bar" aria-hidden="true">
        <i class="all" style={width(inNights)} />
        <i class="pass" style={width(pass)} />
      </span>
      <span class="number" title={`${count(pass)} of ${count(inNights)} would pass`}>
        {count(inNights)}
      </span>
    </li>
  );
}

/** What is chosen, also while the list is searched. */
function Chosen() {
  const include = included.value;
  const exclude = excluded.value;
  if (!include.length && !exclude.length) return null;
  const chip = (label: string, as: "include" | "exclude") => (
    <li key={as + label}>
      <button
        type="button"
        class={`chip ${as}`}
        onClick={() => set(label, undefined)}
        aria-label={`${as === "exclude" ? "not " : ""}${label}, take back`}
      >
        {as === "exclude" && <span>not</span>} {label}
        <svg viewBox="0 0 12 12" width="9" height="9" aria-hidden="true">
          <path d="M2 2l8 8M10 2l-8 8" />
        </svg>
      </button>
    </li>
  );
  return (
    <ul class="chips" aria-label="Chosen classes">
      {include.map((label) => chip(label, "include"))}
      {exclude.map((label) => chip(label, "exclude"))}
    </ul>
  );
}
