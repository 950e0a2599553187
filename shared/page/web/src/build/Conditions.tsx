import type { ComponentType } from "preact";
import { useMemo } from "preact/hooks";
import type { Problem } from "../api";
import { lazy } from "../components/lazy";
import { change, draft } from "./draft";
import { problems } from "./estimating";

export interface EditorProps {
  text: string;
  problems: Problem[];
  hint: string;
  onChange: (text: string) => void;
}

const HINT = "candidate.magpsf < 19.5;\nrf_snia_vs_nonia > 0.5";

/** Ready conditions, to begin with. */
const EXAMPLES: [name: string, text: string][] = [
  ["Brighter than 18.5", "candidate.magpsf < 18.5"],
  ["Likely SN Ia", "rf_snia_vs_nonia > 0.5; snn_snia_vs_nonia > 0.5"],
  ["Real by deep learning", "candidate.drb > 0.9"],
  ["Rising", "candidate.isdiffpos IN ('t', '1') AND mag_rate < 0"],
];

/** Whether the text has the focus before the editor takes its place, which then goes on with it. */
export const typing = { now: false };

/** Holds the place of the editor until its code is there; what is typed until then stays. */
const Plain: ComponentType<EditorProps> = ({ text, hint, onChange }) => (
  <textarea
    class="editor mono"
    aria-label="Conditions"
    placeholder={hint}
    spellcheck={false}
    value={text}
    onFocus={() => (typing.now = true)}
    onBlur={() => (typing.now = false)}
    onInput={(event) => onChange(event.currentTarget.value)}
  />
);

const Editor = lazy<EditorProps>(() => import("./editor/Editor").then((module) => module.default), Plain);

/** The conditions, with what is wrong in them under its place. */
export function Conditions() {
  const text = draft.value.conditions;
  const all = problems.value;
  const own = useMemo(() => all.filter((problem) => problem.place.startsWith("conditions")), [all]);
  const add = (condition: string) => {
    const before = draft.peek().conditions.replace(/[\s;]+$/, "");
    // A semicolon at the end of a comment would belong to it.
    const end = /--[^\n]*$/.test(before) ? "\n;\n" : ";\n";
    change({ conditions: before ? before + end + condition : condition });
  };
  return (
    <section class="card conditions" aria-labelledby="conditions-title">
      <header>
        <h2 id="conditions-title">Conditions</h2>
        <p class="muted small">Spark SQL, one each, parted by ;</p>
      </header>
      <Editor text={text} problems={own} hint={HINT} onChange={(conditions) => change({ conditions })} />
      <p class="quiet-live" role="status">
        {own.map(
          (problem) => `${problem.place}: ${problem.reason}${problem.instead ? `; instead: ${problem.instead}` : ""}. `,
        )}
      </p>
      <div class="examples" role="group" aria-label="Examples to add">
        <span class="muted small">Add</span>
        {EXAMPLES.map(([name, condition]) => (
          <button key={name} type="button" class="chip" title={condition} onClick={() => add(condition)}>
            {name}
          </button>
        ))}
      </div>
    </section>
  );
}
