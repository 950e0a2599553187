import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { TaskState } from "../api";
import { count, counted } from "../format";
import { theme } from "../theme";
import { draw, gridFor, nightAt, type Palette } from "./cells";
import { tally, type JobNight } from "./nights";

const LEGEND: [TaskState, string][] = [
  ["done", "done"],
  ["running", "under way"],
  ["queued", "waiting"],
  ["failed", "failed"],
  ["cancelled", "cancelled"],
];

/** A job's nights as cells that fill. They are drawn on one canvas, so that thousands cost no more than ten. */
export function NightCells({ nights }: { nights: JobNight[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const swatches = useRef<HTMLUListElement>(null);
  const [width, setWidth] = useState(0);
  const [chosen, choose] = useState<number | null>(null);
  const [scheme, setScheme] = useState(0);
  const grid = useMemo(() => gridFor(nights.length, width), [nights.length, width]);
  const counts = tally(nights);

  // Before the first paint, so that nothing below moves.
  useLayoutEffect(() => setWidth(box.current!.clientWidth), []);

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    observer.observe(box.current!);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const onScheme = () => setScheme((value) => value + 1);
    dark.addEventListener("change", onScheme);
    return () => {
      observer.disconnect();
      dark.removeEventListener("change", onScheme);
    };
  }, []);

  useLayoutEffect(() => {
    if (!width) return;
    const element = canvas.current!;
    const ratio = Math.min(3, devicePixelRatio || 1);
    element.width = width * ratio;
    element.height = grid.height * ratio;
    element.style.height = `${grid.height}px`;
    const context = element.getContext("2d");
    if (!context) return;
    context.scale(ratio, ratio);
    draw(context, grid, nights, paletteOf(swatches.current!), chosen);
  }, [nights, grid, width, chosen, theme.value, scheme]);

  const point = (event: PointerEvent) => choose(nightAt(grid, nights.length, event.offsetX, event.offsetY));
  const night = chosen === null ? undefined : nights[chosen];
  return (
    <>
      <ul class="states" ref={swatches}>
        {LEGEND.map(([state, word]) => (
          <li key={state} class={`${state}${counts[state] ? "" : " lacking"}`}>
            <span class={`swatch ${state}`} aria-hidden="true" />
            {count(counts[state])} {word}
          </li>
        ))}
      </ul>
      <div class="cell-box" ref={box}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`${counted(nights.length, "night")}: ${LEGEND.filter(([state]) => counts[state])
            .map(([state, word]) => `${count(counts[state])} ${word}`)
            .join(", ")}. The table below holds each of them.`}
          onPointerMove={point}
          onPointerDown={point}
          onPointerLeave={() => choose(null)}
        />
      </div>
      <p class="told small">{night ? told(night) : "Point at a night to see its figures."}</p>
    </>
  );
}

function told(night: JobNight): string {
  const { read, alerts, kept, sent, parts } = night;
  const of = read === alerts ? `all ${count(alerts)} read` : `${count(read)} of ${count(alerts)} read`;
  const word = LEGEND.find(([state]) => state === night.state)?.[1] ?? night.state;
  const pieces = parts > 1 ? ` in ${parts} parts` : "";
  const reason = night.reasons[0] ? `; ${night.reasons[0]}` : "";
  return `${night.night}: ${word}${pieces}, ${of}, ${count(kept)} kept, ${count(sent)} sent${reason}`;
}

/** The colours that the theme gives the legend's swatches; a canvas does not know the theme's variables. */
function paletteOf(legend: HTMLElement): Palette {
  const of = (state: TaskState) => getComputedStyle(legend.querySelector(`.swatch.${state}`)!).borderTopColor;
  const done = getComputedStyle(legend.querySelector(".swatch.done")!);
  return {
    queued: of("queued"),
    running: of("running"),
    done: done.backgroundColor,
    failed: of("failed"),
    cancelled: of("cancelled"),
    ground: getComputedStyle(legend.querySelector(".swatch.queued")!).backgroundColor,
    text: getComputedStyle(legend).color,
    onDone: done.color,
  };
}
