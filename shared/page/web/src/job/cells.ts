import type { TaskState } from "../api";
import { fill, type JobNight } from "./nights";

/** Where the cells of a job's nights lie: few are large and named, thousands are small squares. */
export interface Grid {
  columns: number;
  cellWidth: number;
  cellHeight: number;
  gap: number;
  named: boolean;
  height: number;
}

/** The colours of the states, as the theme has them. */
export type Palette = Record<TaskState | "ground" | "text" | "onDone", string>;

const SIDES = [24, 20, 16, 13, 11, 9, 8, 7, 5];
const TALLEST = 300;

/** A grid for so many nights in such a width. */
export function gridFor(nights: number, width: number): Grid {
  const named = gridOf(nights, width, 84, 34, 6, true);
  if (nights <= 60 && named.height <= TALLEST) return named;
  const grids = SIDES.map((side) => gridOf(nights, width, side, side, side > 12 ? 3 : side > 6 ? 2 : 1, false));
  return grids.find((grid) => grid.height <= TALLEST) ?? grids.at(-1)!;
}

function gridOf(nights: number, width: number, least: number, cellHeight: number, gap: number, named: boolean): Grid {
  const columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
  const cellWidth = named ? Math.min(150, (width + gap) / columns - gap) : least;
  const rows = Math.max(1, Math.ceil(nights / columns));
  return { columns, cellWidth, cellHeight, gap, named, height: rows * (cellHeight + gap) - gap };
}

/** Which night lies at a place, if any. */
export function nightAt(grid: Grid, nights: number, x: number, y: number): number | null {
  const column = Math.floor(x / (grid.cellWidth + grid.gap));
  const row = Math.floor(y / (grid.cellHeight + grid.gap));
  const at = row * grid.columns + column;
  return x >= 0 && y >= 0 && column < grid.columns && at < nights ? at : null;
}

/** Draws the cells; each fills from the left as its alerts are read. Marks tell the states apart without colour. */
export function draw(
  canvas: CanvasRenderingContext2D,
  grid: Grid,
  nights: readonly JobNight[],
  colours: Palette,
  chosen: number | null,
) {
  const { columns, cellWidth, cellHeight, gap, named } = grid;
  canvas.font = '600 12px system-ui, "Segoe UI", sans-serif';
  canvas.textBaseline = "middle";
  canvas.textAlign = "center";
  const radius = named ? 5 : Math.min(3, cellHeight / 4);
  nights.forEach((night, i) => {
    const x = (i % columns) * (cellWidth + gap);
    const y = Math.floor(i / columns) * (cellHeight + gap);
    const colour = colours[night.state];
    const part = fill(night);
    canvas.save();
    canvas.beginPath();
    canvas.roundRect(x, y, cellWidth, cellHeight, radius);
    canvas.fillStyle = colours.ground;
    canvas.fill();
    canvas.clip();
    canvas.fillStyle = colour;
    canvas.globalAlpha = night.state === "done" ? 1 : 0.55;
    canvas.fillRect(x, y, cellWidth * part, cellHeight);
    canvas.globalAlpha = 1;
    if (!named && (night.state === "failed" || night.state === "cancelled"))
      mark(canvas, night.state, colour, x, y, grid);
    canvas.restore();
    const thick = night.state === "running" || night.state === "failed";
    if (night.state !== "done" && (cellHeight > 8 || thick))
      outline(canvas, x, y, grid, radius, colour, thick ? 1.5 : 1);
    if (named) name(canvas, night, x, y, grid, colours);
    if (chosen === i) outline(canvas, x, y, grid, radius, colours.text, 2);
  });
}

function outline(
  canvas: CanvasRenderingContext2D,
  x: number,
  y: number,
  { cellWidth, cellHeight }: Grid,
  radius: number,
  colour: string,
  width: number,
) {
  canvas.beginPath();
  canvas.roundRect(x + width / 2, y + width / 2, cellWidth - width, cellHeight - width, radius);
  canvas.strokeStyle = colour;
  canvas.lineWidth = width;
  canvas.stroke();
}

function mark(canvas: CanvasRenderingContext2D, state: TaskState, colour: string, x: number, y: number, grid: Grid) {
  const inset = grid.cellHeight * 0.25;
  canvas.strokeStyle = colour;
  canvas.lineWidth = Math.max(1.5, grid.cellHeight / 9);
  canvas.beginPath();
  canvas.moveTo(x + inset, y + grid.cellHeight - inset);
  canvas.lineTo(x + grid.cellWidth - inset, y + inset);
  if (state === "failed") {
    canvas.moveTo(x + inset, y + inset);
    canvas.lineTo(x + grid.cellWidth - inset, y + grid.cellHeight - inset);
  }
  canvas.stroke();
}

const SIGNS: Partial<Record<TaskState, string>> = { failed: "✕ ", cancelled: "– " };

function name(
  canvas: CanvasRenderingContext2D,
  night: JobNight,
  x: number,
  y: number,
  { cellWidth, cellHeight }: Grid,
  colours: Palette,
) {
  canvas.fillStyle = night.state === "done" ? colours.onDone : colours.text;
  const text = (SIGNS[night.state] ?? "") + night.night;
  canvas.fillText(text, x + cellWidth / 2, y + cellHeight / 2 + 0.5, cellWidth - 6);
}
