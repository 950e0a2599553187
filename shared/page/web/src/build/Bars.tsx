import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ClassEstimate, NightEstimate } from "../api";
import { brief, count, counted } from "../format";

const HEIGHT = 92;
const FLOOR = HEIGHT - 1;
const ROOF = 6;

interface Bin {
  name: string;
  inNights: number;
  alerts: number;
  low: number;
  high: number;
  exact: boolean;
}

/** Joins nights where there are more than fit; their errors are independent of each other. */
function bins(nights: NightEstimate[], room: number): Bin[] {
  const each = Math.max(1, Math.ceil(nights.length / Math.max(1, room)));
  const all: Bin[] = [];
  for (let at = 0; at < nights.length; at += each) {
    const group = nights.slice(at, at + each);
    const sum = (value: (night: NightEstimate) => number) => group.reduce((total, night) => total + value(night), 0);
    const alerts = sum((night) => night.alerts);
    const below = Math.sqrt(sum((night) => (night.alerts - night.alerts_low) ** 2));
    const above = Math.sqrt(sum((night) => (night.alerts_high - night.alerts) ** 2));
    all.push({
      name: group.length > 1 ? `${group[0]!.night} to ${group.at(-1)!.night}` : group[0]!.night,
      inNights: sum((night) => night.alerts_in_night),
      alerts,
      low: Math.max(0, Math.round(alerts - below)),
      high: Math.round(alerts + above),
      exact: group.every((night) => night.exact),
    });
  }
  return all;
}

/** What would pass in each night, with its interval. */
export function NightBars({ nights, limited }: { nights: NightEstimate[]; limited: boolean }) {
  const [width, measure] = useState(0);
  const [pointed, point] = useState<number | undefined>(undefined);
  const box = useRef<SVGSVGElement>(null);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => measure(box.current?.clientWidth ?? 0));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const all = useMemo(() => bins(nights, width / 3), [nights, width]);
  const top = all.reduce((most, bin) => Math.max(most, bin.high), 1);
  const step = all.length ? width / all.length : width;
  const thick = Math.max(1, Math.min(26, step - Math.min(3, step * 0.2)));
  const y = (alerts: number) => FLOOR - (alerts / top) * (FLOOR - ROOF);
  const x = (at: number) => step * (at + 0.5);
  const bars = all
    .map((bin, at) =>
      bin.alerts
        ? `M${(x(at) - thick / 2).toFixed(1)} ${FLOOR}h${thick.toFixed(1)}V${y(bin.alerts).toFixed(1)}h${(-thick).toFixed(1)}z`
        : "",
    )
    .join("");
  const whiskers = all
    .map((bin, at) =>
      bin.high > bin.low ? `M${x(at).toFixed(1)} ${y(bin.low).toFixed(1)}V${y(bin.high).toFixed(1)}` : "",
    )
    .join("");
  const shown = pointed === undefined ? undefined : all[Math.min(pointed, all.length - 1)];
  const move = (at: number) => point(Math.max(0, Math.min(all.length - 1, at)));
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -all.length, End: all.length }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    move((pointed ?? (by > 0 ? -1 : all.length)) + by);
  };
  return (
    <figure class="night-bars">
      <figcaption>
        <span>By night{limited && <span class="muted"> before the limit</span>}</span>
        <span class="muted told">
          {shown
            ? `${count(shown.alerts)} of ${count(shown.inNights)}`
            : all.some((bin) => bin.high > 0)
              ? `up to ${brief(top)} a ${all.some((bin) => / to /.test(bin.name)) ? "bar" : "night"}`
              : " "}
        </span>
      </figcaption>
      <svg
        ref={box}
        height={HEIGHT}
        role="slider"
        tabIndex={0}
        aria-label="Alerts by night"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, all.length - 1)}
        aria-valuenow={pointed ?? 0}
        aria-valuetext={shown ? `${shown.name}: ${told(shown)}` : counted(nights.length, "night")}
        onKeyDown={onKeyDown}
        onBlur={() => point(undefined)}
        onPointerMove={(event) =>
          move(Math.floor((event.clientX - event.currentTarget.getBoundingClientRect().left) / step))
        }
        onPointerLeave={() => point(undefined)}
      >
        <path class="floor" d={`M0 ${HEIGHT - 0.5}H${width}`} />
        {shown && <rect class="pointed" x={x(all.indexOf(shown)) - step / 2} y="0" width={step} height={HEIGHT} />}
        <path class="bars" d={bars} />
        <path class="whiskers" d={whiskers} />
      </svg>
      <p class="axis muted small" aria-hidden="true">
        {shown ? (
          <>
            <b>{shown.name}</b>
            <span>{interval(shown)}</span>
          </>
        ) : (
          <>
            <span>{nights[0]?.night ?? " "}</span>
            <span>{nights.length > 1 ? nights.at(-1)!.night : ""}</span>
          </>
        )}
      </p>
    </figure>
  );
}

const interval = (bin: Bin) => (bin.high > bin.low ? `95 %: ${count(bin.low)} to ${count(bin.high)}` : "");

const told = (bin: Bin) => `${count(bin.alerts)} of ${count(bin.inNights)} ${interval(bin)}`;

/** How many classes are drawn. */
const MOST = 7;

/** What would pass of each class, with its interval. */
export function ClassBars({ classes, limited }: { classes: ClassEstimate[]; limited: boolean }) {
  const passing = useMemo(
    () => classes.filter((each) => each.alerts > 0).sort((a, b) => b.alerts - a.alerts),
    [classes],
  );
  const top = passing.reduce((most, each) => Math.max(most, each.alerts_high), 1);
  const share = (alerts: number) => Math.min(1, alerts / top);
  const rest = passing.slice(MOST);
  return (
    <figure class="class-bars">
      <figcaption>
        <span>By class{limited && <span class="muted"> before the limit</span>}</span>
        <span class="muted">{rest.length ? `${count(MOST)} of ${count(passing.length)}` : " "}</span>
      </figcaption>
      <ul style={{ "--digits": Math.max(5, count(passing[0]?.alerts ?? 0).length) }}>
        {Array.from({ length: MOST }, (_, at) => {
          const each = passing[at];
          if (!each) return <li key={at} aria-hidden="true" class="blank" />;
          const interval = each.exact ? "" : ` (${count(each.alerts_low)} to ${count(each.alerts_high)})`;
          return (
            <li key={at} title={`${each.class}: ${count(each.alerts)} of ${count(each.alerts_in_nights)}${interval}`}>
              <span class="label">{each.class}</span>
              <span class="bar" aria-hidden="true">
                <i class="pass" style={{ "--share": Math.max(0.008, share(each.alerts)) }} />
                {each.alerts_high > each.alerts_low && (
                  <i class="whisker" style={{ "--from": share(each.alerts_low), "--to": share(each.alerts_high) }} />
                )}
              </span>
              <span class="number">{count(each.alerts)}</span>
              {interval && <span class="quiet-live">{interval}</span>}
            </li>
          );
        })}
      </ul>
    </figure>
  );
}
