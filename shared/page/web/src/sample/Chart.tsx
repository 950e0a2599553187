import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { theme } from "../theme";
import { BANDS, dateOf, type Band, type Point } from "./lightcurve";

const HEIGHT = 380;

/** A light curve: magnitudes with the bright ones above, a colour and a shape a band, upper limits as triangles. */
export function Chart({ points }: { points: Point[] }) {
  const box = useRef<HTMLDivElement>(null);
  const [near, point] = useState<Point | null>(null);
  const [scheme, setScheme] = useState(0);

  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const onScheme = () => setScheme((value) => value + 1);
    dark.addEventListener("change", onScheme);
    return () => dark.removeEventListener("change", onScheme);
  }, []);

  useEffect(() => {
    const element = box.current!;
    const plot = new uPlot(optionsOf(element, points, point), dataOf(points), element);
    const observer = new ResizeObserver(([entry]) =>
      plot.setSize({ width: Math.max(200, Math.floor(entry!.contentRect.width)), height: HEIGHT }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [points, theme.value, scheme]);

  const bands = BANDS.filter((band) => points.some((one) => one.band === band));
  const detections = points.filter((one) => one.kind === "detection").length;
  const limits = points.length - detections;
  return (
    <figure class="chart">
      <figcaption>
        <span class="signs">
          {bands.map((band) => (
            <span key={band} class={`sign band-${band === "?" ? "none" : band}`}>
              <svg width="10" height="10" viewBox="-5 -5 10 10" aria-hidden="true">
                <Shape band={band} />
              </svg>
              {band === "?" ? "band not told" : band}
            </span>
          ))}
          {limits > 0 && (
            <span class="sign">
              <svg width="10" height="10" viewBox="-5 -5 10 10" aria-hidden="true">
                <path d="M-4-3H4L0 4Z" fill="none" stroke="currentColor" stroke-width="1.3" />
              </svg>
              upper limit
            </span>
          )}
          {points.some((one) => one.negative) && <span class="sign">hollow: fainter than the template</span>}
        </span>
        <span class="muted">
          {detections} {detections === 1 ? "detection" : "detections"}
          {limits > 0 && `, ${limits} upper ${limits === 1 ? "limit" : "limits"}`}
        </span>
      </figcaption>
      <div class="plot" ref={box} role="img" aria-label={`Light curve of ${points.length} points, listed below`} />
      <p class="told small">{near ? told(near) : "Point at the plot to read a measurement."}</p>
    </figure>
  );
}

/** A measurement in words. */
export function told(point: Point): string {
  const time = dateOf(point.jd).toISOString().slice(0, 16).replace("T", " ");
  const band = point.band === "?" ? "" : `${point.band} `;
  const error = point.error === null ? "" : ` ± ${point.error.toFixed(3)}`;
  const value = `${band}${point.kind === "limit" ? "> " : ""}${point.magnitude.toFixed(3)}${error} mag`;
  const sign = point.negative ? ", fainter than the template" : "";
  return `${time} UTC (JD ${point.jd.toFixed(5)}): ${value}${sign}${point.own ? ", this alert" : ""}`;
}

function Shape({ band }: { band: Band }) {
  if (band === "r") return <path d="M-3.5-3.5h7v7h-7z" fill="currentColor" />;
  if (band === "i") return <path d="M0-4.8 4.8 0 0 4.8-4.8 0Z" fill="currentColor" />;
  return <circle r="4" fill="currentColor" />;
}

function dataOf(points: Point[]): uPlot.AlignedData {
  return [points.map(({ jd }) => (jd - 2440587.5) * 86400), points.map(({ magnitude }) => magnitude)];
}

function optionsOf(element: HTMLElement, points: Point[], point: (near: Point | null) => void): uPlot.Options {
  const style = getComputedStyle(element);
  const colours: Record<Band, string> = { g: "", r: "", i: "", "?": style.color };
  const probe = element.ownerDocument.createElement("span");
  element.append(probe);
  const colourOf = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  for (const band of ["g", "r", "i"] as const) colours[band] = colourOf(`--band-${band}`);
  const [line, muted, text] = [colourOf("--line"), colourOf("--muted"), colourOf("--text")];
  probe.remove();
  const font = '12px system-ui, "Segoe UI", sans-serif';
  const axis = { stroke: muted, font, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 5 } };
  return {
    width: Math.max(200, element.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
    cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
    scales: {
      x: { time: true, range: (_, low, high) => padded(low, high, 0.04, 3600) },
      y: { dir: -1, range: (_, low, high) => padded(low, high, 0.12, 0.2) },
    },
    series: [{}, { paths: () => null, points: { show: false } }],
    axes: [
      { ...axis, values: (_, splits) => splits.map(dateLabel), space: 70 },
      { ...axis, label: "magnitude", labelFont: font, labelSize: 18, size: 48 },
    ],
    hooks: {
      draw: [(plot) => drawPoints(plot, points, colours, text)],
      setCursor: [(plot) => point(plot.cursor.left! < 0 ? null : nearest(plot, points))],
    },
  };
}

/** `11-03`, with the year below where it begins or changes; within a day, the time. */
function dateLabel(seconds: number, at: number, all: number[]): string {
  const [date, time] = new Date(seconds * 1000).toISOString().split("T") as [string, string];
  const before = at > 0 ? new Date(all[at - 1]! * 1000).toISOString() : "";
  const step = all.length > 1 ? all[1]! - all[0]! : 86_400;
  const year = before.slice(0, 4) === date.slice(0, 4) ? "" : `\n${date.slice(0, 4)}`;
  if (step >= 86_400) return date.slice(5) + year;
  return time.slice(0, 5) + (before.slice(0, 10) === date ? "" : `\n${date}`);
}

function padded(low: number, high: number, part: number, least: number): [number, number] {
  const pad = Math.max(least, (high - low) * part);
  return [low - pad, high + pad];
}

/** The point closest to the cursor, in pixels. */
function nearest(plot: uPlot, points: Point[]): Point | null {
  const { left = 0, top = 0 } = plot.cursor;
  let best: Point | null = null;
  let least = Infinity;
  for (const one of points) {
    const x = plot.valToPos((one.jd - 2440587.5) * 86400, "x");
    const y = plot.valToPos(one.magnitude, "y");
    const far = (x - left) ** 2 + (y - top) ** 2 / 4;
    if (far < least) [least, best] = [far, one];
  }
  return best;
}

function drawPoints(plot: uPlot, points: Point[], colours: Record<Band, string>, text: string) {
  const { ctx } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
  ctx.clip();
  ctx.lineWidth = 1.4 * ratio;
  for (const one of points) {
    const x = plot.valToPos((one.jd - 2440587.5) * 86400, "x", true);
    const y = plot.valToPos(one.magnitude, "y", true);
    const size = 4 * ratio;
    ctx.strokeStyle = ctx.fillStyle = colours[one.band];
    ctx.globalAlpha = one.kind === "limit" ? 0.75 : 1;
    if (one.error !== null && one.kind === "detection") {
      ctx.beginPath();
      ctx.moveTo(x, plot.valToPos(one.magnitude - one.error, "y", true));
      ctx.lineTo(x, plot.valToPos(one.magnitude + one.error, "y", true));
      ctx.stroke();
    }
    ctx.beginPath();
    if (one.kind === "limit") triangle(ctx, x, y, size);
    else if (one.band === "r") ctx.rect(x - size * 0.85, y - size * 0.85, size * 1.7, size * 1.7);
    else if (one.band === "i") diamond(ctx, x, y, size * 1.25);
    else ctx.arc(x, y, size, 0, 2 * Math.PI);
    if (one.kind === "detection" && !one.negative) ctx.fill();
    else if (one.kind === "detection") hollow(ctx);
    ctx.stroke();
    if (one.own) {
      ctx.beginPath();
      ctx.strokeStyle = text;
      ctx.arc(x, y, 8.5 * ratio, 0, 2 * Math.PI);
      ctx.stroke();
    }
  }
  ctx.restore();
}

/** Clears the inside, so that an error bar does not cross a hollow point. */
function hollow(ctx: CanvasRenderingContext2D) {
  ctx.save();
  ctx.globalCompositeOperation = "destination-out";
  ctx.fill();
  ctx.restore();
}

function triangle(ctx: CanvasRenderingContext2D, x: number, y: number, size: number) {
  ctx.moveTo(x - size, y - size * 0.6);
  ctx.lineTo(x + size, y - size * 0.6);
  ctx.lineTo(x, y + size);
  ctx.closePath();
}

function diamond(ctx: CanvasRenderingContext2D, x: number, y: number, size: number) {
  ctx.moveTo(x, y - size);
  ctx.lineTo(x + size, y);
  ctx.lineTo(x, y + size);
  ctx.lineTo(x - size, y);
  ctx.closePath();
}
