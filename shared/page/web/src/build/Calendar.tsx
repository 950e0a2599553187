import type { Signal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ArchiveNight } from "../api";
import { brief, count } from "../format";
import { byDay, chosen, days } from "./archive";
import { change } from "./draft";
import { heatOf, rangeOf } from "./heat";
import { daysOf, entriesFor, lowerBound, monthOf, nightOf, weekday } from "./nights";

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
export const MONTHS = "January February March April May June July August September October November December".split(
  " ",
);

/** The name of a month such as `March 2026`. */
export const monthName = (month: number) => `${MONTHS[month % 12]} ${Math.floor(month / 12)}`;

interface Gesture {
  from: number;
  to: number;
  add: boolean;
  before: ReadonlySet<number>;
}

/** Chooses all nights of the archive between two days, or leaves them out. */
function withSpan(before: ReadonlySet<number>, from: number, to: number, add: boolean): Set<number> {
  const after = new Set(before);
  const [first, last] = from <= to ? [from, to] : [to, from];
  const archive = days.peek();
  for (let at = lowerBound(archive, first); at < archive.length && archive[at]! <= last; at++) {
    if (add) after.add(archive[at]!);
    else after.delete(archive[at]!);
  }
  return after;
}

export function choose(after: ReadonlySet<number>) {
  change({ nights: entriesFor(after, days.peek()) });
}

/** Some months of the archive, each night with its alerts as colour. */
export function Calendar({ first, shown }: { first: Signal<number>; shown: number }) {
  const archive = byDay.value;
  const picked = chosen.value;
  const [least, greatest] = useMemo(() => rangeOf([...archive.values()].map((night) => night.alerts ?? 0)), [archive]);
  const months = Array.from({ length: shown }, (_, at) => first.value + at);
  const [current, setCurrent] = useState<number | undefined>(undefined);
  const [gesture, setGesture] = useState<Gesture | undefined>(undefined);
  const anchor = useRef<number | undefined>(undefined);
  const box = useRef<HTMLDivElement>(null);
  const focusNext = useRef(false);
  /** Whether the press before a click has done the work already. */
  const handled = useRef(false);

  const range = [daysOf(months[0]!)[0], daysOf(months.at(-1)!)[1]] as const;
  const visible = (day: number | undefined) => day !== undefined && day >= range[0] && day <= range[1];
  // The one day that the Tab key reaches: where one was, else the last night in view.
  const fallback = days.value[lowerBound(days.value, range[1] + 1) - 1];
  const stop = visible(current) ? current! : visible(fallback) ? fallback! : range[0];

  useLayoutEffect(() => {
    if (!focusNext.current) return;
    focusNext.current = false;
    box.current?.querySelector<HTMLElement>(`[data-day="${stop}"]`)?.focus();
  });

  const during = gesture ? withSpan(gesture.before, gesture.from, gesture.to, gesture.add) : picked;

  const move = (to: number, extend: boolean) => {
    const bound = days.value;
    if (!bound.length) return;
    const day = Math.max(daysOf(monthOf(bound[0]!))[0], Math.min(daysOf(monthOf(bound.at(-1)!))[1], to));
    if (extend) {
      anchor.current ??= stop;
      choose(withSpan(picked, anchor.current, day, true));
    } else anchor.current = undefined;
    if (day < range[0]) first.value = monthOf(day);
    if (day > range[1]) first.value = monthOf(day) - shown + 1;
    focusNext.current = true;
    setCurrent(day);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const month = monthOf(stop);
    const inMonth = (by: number) => {
      const [begin, end] = daysOf(month + by);
      return Math.min(end, begin + (stop - daysOf(month)[0]));
    };
    const steps: Record<string, () => number> = {
      ArrowLeft: () => stop - 1,
      ArrowRight: () => stop + 1,
      ArrowUp: () => stop - 7,
      ArrowDown: () => stop + 7,
      Home: () => stop - weekday(stop),
      End: () => stop + 6 - weekday(stop),
      PageUp: () => inMonth(event.altKey ? -12 : -1),
      PageDown: () => inMonth(event.altKey ? 12 : 1),
    };
    const step = steps[event.key];
    if (step) {
      event.preventDefault();
      move(step(), event.shiftKey);
    } else if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      choose(withSpan(picked, stop, stop, !picked.has(stop)));
      anchor.current = stop;
    }
  };

  const dayAt = (event: Event) => {
    const cell = (event.target as Element).closest<HTMLElement>("[data-day]");
    return cell ? Number(cell.dataset.day) : undefined;
  };

  const onPointerDown = (event: PointerEvent) => {
    const day = dayAt(event);
    handled.current = event.pointerType !== "touch";
    if (day === undefined || event.button !== 0 || event.pointerType === "touch") return;
    event.preventDefault();
    box.current?.querySelector<HTMLElement>(`[data-day="${day}"]`)?.focus({ preventScroll: true });
    setCurrent(day);
    if (event.shiftKey && anchor.current !== undefined) {
      choose(withSpan(picked, anchor.current, day, true));
      return;
    }
    anchor.current = day;
    // From a day without alerts a drag takes what it meets.
    setGesture({ from: day, to: day, add: !picked.has(day), before: picked });
    const over = new AbortController();
    for (const end of ["pointerup", "pointercancel"]) {
      addEventListener(end, () => (over.abort(), finish()), { signal: over.signal });
    }
  };

  const live = useRef<Gesture | undefined>(undefined);
  live.current = gesture;
  const finish = () => {
    const made = live.current;
    setGesture(undefined);
    // The click that belongs to it, if it has one, comes before this.
    setTimeout(() => (handled.current = false));
    if (made) choose(withSpan(made.before, made.from, made.to, made.add));
  };

  const onPointerOver = (event: PointerEvent) => {
    const day = dayAt(event);
    if (day !== undefined && gesture && gesture.to !== day) setGesture({ ...gesture, to: day });
  };

  // A finger scrolls; its tap chooses, as do the clicks of a screen reader.
  const onClick = (event: MouseEvent) => {
    if (handled.current) return void (handled.current = false);
    const day = dayAt(event);
    if (day === undefined) return;
    choose(withSpan(picked, day, day, !picked.has(day)));
    setCurrent(day);
  };

  return (
    <div
      class="months"
      ref={box}
      onKeyDown={onKeyDown}
      onPointerDown={onPointerDown}
      onPointerOver={onPointerOver}
      onClick={onClick}
    >
      {months.map((month) => (
        <Month
          key={month}
          month={month}
          chosen={during}
          heat={(night) => heatOf(night.alerts ?? 0, least, greatest)}
          stop={stop}
          toggle={() => {
            const [begin, end] = daysOf(month);
            const own = days.value.filter((day) => day >= begin && day <= end);
            choose(withSpan(picked, begin, end, !own.every((day) => picked.has(day))));
          }}
        />
      ))}
    </div>
  );
}

interface MonthProps {
  month: number;
  chosen: ReadonlySet<number>;
  heat: (night: ArchiveNight) => number;
  stop: number;
  toggle: () => void;
}

function Month({ month, chosen, heat, stop, toggle }: MonthProps) {
  const [begin, end] = daysOf(month);
  const start = begin - weekday(begin);
  const archive = byDay.value;
  let any = false;
  for (let day = begin; day <= end && !any; day++) any = archive.has(day);
  return (
    <div class="month">
      <button
        type="button"
        class="name"
        disabled={!any}
        onClick={toggle}
        title="Choose the month's nights, or leave them out"
        aria-label={`${monthName(month)}: choose its nights, or leave them out`}
      >
        {monthName(month)}
      </button>
      <table role="grid" aria-label={monthName(month)} aria-multiselectable="true">
        <thead>
          <tr>
            {WEEKDAYS.map((name) => (
              <th key={name} scope="col" abbr={name}>
                {name[0]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: 6 }, (_, week) => (
            <tr key={week}>
              {Array.from({ length: 7 }, (_, at) => {
                const day = start + week * 7 + at;
                if (day < begin || day > end) return <td key={at} class="outside" />;
                const night = archive.get(day);
                return (
                  <Day
                    key={at}
                    day={day}
                    night={night}
                    heat={night ? heat(night) : 0}
                    picked={chosen.has(day)}
                    stop={day === stop}
                  />
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface DayProps {
  day: number;
  night: ArchiveNight | undefined;
  heat: number;
  picked: boolean;
  stop: boolean;
}

function Day({ day, night, heat, picked, stop }: DayProps) {
  const what = telling(night);
  const date = new Date(day * 86_400_000);
  const kind = !night ? "absent" : !night.indexed ? "unknown" : night.alerts ? `heat-${heat}` : "empty";
  return (
    <td
      role="gridcell"
      data-day={day}
      tabIndex={stop ? 0 : -1}
      class={`day ${kind}${night && (night.trouble || night.unreadable) ? " troubled" : ""}`}
      aria-selected={picked}
      aria-disabled={night ? undefined : true}
      aria-label={`${WEEKDAYS[weekday(day)]} ${date.getUTCDate()} ${monthName(monthOf(day))}, ${what}`}
      title={`${nightOf(day)}: ${what}`}
    >
      <span>{date.getUTCDate()}</span>
    </td>
  );
}

function telling(night: ArchiveNight | undefined): string {
  if (!night) return "not in the archive";
  if (!night.indexed) return "not indexed yet";
  const bands = Object.entries(night.bands ?? {}).map(
    ([fid, alerts]) => `${brief(alerts)} ${"?gri"[Number(fid)] ?? "?"}`,
  );
  const trouble = night.unreadable
    ? `, ${count(night.unreadable)} files cannot be read`
    : night.trouble
      ? `, ${night.trouble}`
      : "";
  const alerts = `${count(night.alerts ?? 0)} ${night.alerts === 1 ? "alert" : "alerts"}`;
  return `${alerts}${bands.length > 1 ? ` (${bands.join(", ")})` : ""}${trouble}`;
}
