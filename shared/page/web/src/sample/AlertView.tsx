import { useEffect, useErrorBoundary, useMemo } from "preact/hooks";
import type { SampleAlert } from "../api";
import { Chart, told } from "./Chart";
import { Fields } from "./Fields";
import { lightcurve } from "./lightcurve";
import { Stamp } from "./Stamp";
import { stampOf } from "./summary";

const CUTOUTS = [
  ["cutoutScience", "Science"],
  ["cutoutTemplate", "Template"],
  ["cutoutDifference", "Difference"],
] as const;

/** One alert; an alert that cannot be shown does not take the page with it. */
export function AlertView({ sample }: { sample: SampleAlert }) {
  const [trouble, forget] = useErrorBoundary();
  useEffect(forget, [sample]);
  return trouble ? <p class="muted">This alert cannot be shown.</p> : <Shown sample={sample} />;
}

/** Its light curve, its three cutouts, all its fields. */
function Shown({ sample }: { sample: SampleAlert }) {
  const { alert } = sample;
  const points = useMemo(() => lightcurve(alert), [alert]);
  const stamps = CUTOUTS.map(([name, label]) => ({ name, label, data: stampOf(alert, name) }));
  const hasStamps = stamps.some(({ data }) => data !== null);
  return (
    <div class="alert-view">
      <div class={hasStamps && points.length > 1 ? "pictures beside" : "pictures"}>
        {points.length > 1 ? (
          <div>
            <Chart points={points} />
            <details class="listing">
              <summary>Measurements as a list</summary>
              <ul tabIndex={0} aria-label="Measurements">
                {points.map((point, i) => (
                  <li key={i}>{told(point)}</li>
                ))}
              </ul>
            </details>
          </div>
        ) : (
          <div class="alone">
            {points[0] ? (
              <>
                <p>{told(points[0])}</p>
                <p class="muted">
                  One measurement. The Medium packet and the Full packet also hold the history before it.
                </p>
              </>
            ) : (
              <p class="muted">This content holds no magnitude with its date, so there is no light curve.</p>
            )}
          </div>
        )}
        {hasStamps && (
          <div class="stamps">
            {stamps.map(({ name, label, data }) => (
              <figure key={name}>
                {data ? <Stamp data={data} label={`${label} cutout`} /> : <span class="stamp lacking">none</span>}
                <figcaption>{label}</figcaption>
              </figure>
            ))}
          </div>
        )}
      </div>
      <Fields alert={alert} />
    </div>
  );
}
