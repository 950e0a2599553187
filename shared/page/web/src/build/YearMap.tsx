import type { Signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { count } from "../format";
import { byDay, chosen } from "./archive";
import { monthName, MONTHS } from "./Calendar";
import { heatOf, rangeOf } from "./heat";
import { monthOf } from "./nights";

/** All months of the archive, one row a year: where the alerts are, what is chosen, and the way there. */
export function YearMap({ first, shown }: { first: Signal<number>; shown: number }) {
  const archive = byDay.value;
  const { sums, years } = useMemo(() => {
    const sums = new Map<number, { alerts: number; nights: number }>();
    for (const [day, night] of archive) {
      const month = monthOf(day);
      const sum = sums.get(month) ?? { alerts: 0, nights: 0 };
      sums.set(month, { alerts: sum.alerts + (night.alerts ?? 0), nights: sum.nights + 1 });
    }
    const all = [...sums.keys()].map((month) => Math.floor(month / 12));
    const [from, to] = all.length ? [Math.min(...all), Math.max(...all)] : [0, -1];
    return { sums, years: Array.from({ length: to - from + 1 }, (_, at) => to - at) };
  }, [archive]);
  const [least, greatest] = rangeOf([...sums.values()].map((sum) => sum.alerts));
  const picked = new Map<number, number>();
  for (const day of chosen.value) picked.set(monthOf(day), (picked.get(monthOf(day)) ?? 0) + 1);

  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: 12, ArrowDown: -12 };
    const step = steps[event.key];
    const at = Number((event.target as HTMLElement).dataset.month);
    if (!step || Number.isNaN(at)) return;
    event.preventDefault();
    // Months without nights are passed over.
    for (let month = at + step; month >= years.at(-1)! * 12 && month < (years[0]! + 1) * 12; month += step) {
      if (!sums.has(month)) continue;
      const next = (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-month="${month}"]`);
      next?.focus();
      return;
    }
  };

  // The years in view follow the calendar.
  const box = useRef<HTMLDivElement>(null);
  const end = first.value + shown - 1;
  useEffect(() => {
    const list = box.current!;
    const row = list.querySelector<HTMLElement>(`[data-year="${Math.floor(end / 12)}"]`);
    if (!row) return;
    const from = row.offsetTop - row.offsetHeight - list.offsetTop;
    const to = row.offsetTop + row.offsetHeight - list.offsetTop;
    if (from < list.scrollTop) list.scrollTop = from;
    else if (to > list.scrollTop + list.clientHeight) list.scrollTop = to - list.clientHeight;
  }, [end, years]);

  const last = first.value + shown - 1;
  const stop = [...sums.keys()].filter((month) => month <= last).reduce((a, b) => Math.max(a, b), -1);
  const reached = stop >= 0 ? stop : Math.min(...sums.keys());
  return (
    <div ref={box} class="years" role="group" aria-label="Months of the archive" onKeyDown={onKeyDown}>
      <div class="letters" aria-hidden="true">
        <span />
        {MONTHS.map((name) => (
          <span key={name}>{name[0]}</span>
        ))}
      </div>
      {years.map((year) => (
        <div key={year} class="year" data-year={year}>
          <span class="number">{year}</span>
          {MONTHS.map((_, at) => {
            const month = year * 12 + at;
            const sum = sums.get(month);
            const inView = month >= first.value && month <= last ? " shown" : "";
            if (!sum) return <span key={at} class={`cell absent${inView}`} />;
            const mine = picked.get(month) ?? 0;
            const part = mine === 0 ? "" : mine === sum.nights ? " all" : " some";
            const what = `${monthName(month)}: ${count(sum.nights)} ${sum.nights === 1 ? "night" : "nights"}, ${count(sum.alerts)} alerts${mine ? `, ${count(mine)} chosen` : ""}`;
            return (
              <button
                key={at}
                type="button"
                data-month={month}
                tabIndex={month === reached ? 0 : -1}
                class={`cell heat-${sum.alerts ? heatOf(sum.alerts, least, greatest) : 1}${inView}${part}`}
                aria-label={`Show ${what}`}
                title={what}
                onClick={() =>
                  (first.value = Math.max(years.at(-1)! * 12, month - shown + 1 + Math.floor((shown - 1) / 2)))
                }
              />
            );
          })}
        </div>
      ))}
    </div>
  );
}
