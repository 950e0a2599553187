import { type Extension, RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import type { Problem } from "../../api";
import { type Placed, placeOf } from "./places";

const tell = StateEffect.define<Problem[]>();

/** Marks the places of complaints and writes each under its line. */
export function showProblems(view: EditorView, problems: Problem[]) {
  view.dispatch({ effects: tell.of(problems) });
}

const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(set, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(tell)) return decorations(transaction.newDoc.toString(), effect.value);
    }
    return set.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

export const problemMarks: Extension = marks;

function decorations(text: string, problems: Problem[]): DecorationSet {
  const placed = problems.map((problem) => placeOf(text, problem)).sort((a, b) => a.from - b.from);
  const all: { from: number; to: number; value: Decoration }[] = [];
  for (const each of placed) {
    const end = text.indexOf("\n", each.from);
    const lineEnd = end < 0 ? text.length : end;
    if (each.to > each.from) {
      all.push({ from: each.from, to: each.to, value: Decoration.mark({ class: "wrong" }) });
    } else {
      all.push({ from: each.from, to: each.from, value: Decoration.widget({ widget: new Gap(), side: 1 }) });
    }
    all.push({
      from: lineEnd,
      to: lineEnd,
      value: Decoration.widget({ widget: new Complaint(each), block: true, side: 2 }),
    });
  }
  all.sort((a, b) => a.from - b.from || a.value.startSide - b.value.startSide);
  const builder = new RangeSetBuilder<Decoration>();
  for (const { from, to, value } of all) builder.add(from, to, value);
  return builder.finish();
}

/** Shows where something is missing. */
class Gap extends WidgetType {
  override eq() {
    return true;
  }
  toDOM() {
    const mark = document.createElement("span");
    mark.className = "gap";
    return mark;
  }
}

/** A complaint under its line, with a button that writes what stands in its place instead. */
class Complaint extends WidgetType {
  constructor(readonly placed: Placed) {
    super();
  }

  override eq(other: Complaint) {
    return (
      this.placed.from === other.placed.from &&
      this.placed.to === other.placed.to &&
      JSON.stringify(this.placed.problem) === JSON.stringify(other.placed.problem)
    );
  }

  toDOM(view: EditorView) {
    const { problem, from, to } = this.placed;
    const box = document.createElement("div");
    box.className = "complaint";
    appendMarked(box, problem.reason);
    const instead = problem.instead ?? "";
    if (/^[\w.]+$/.test(instead) && to > from) {
      box.append("; instead ");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = instead;
      button.title = `Write ${instead}`;
      button.addEventListener("click", () => {
        view.dispatch({ changes: { from, to, insert: instead }, selection: { anchor: from + instead.length } });
        view.focus();
      });
      box.append(button);
    } else if (instead) appendMarked(box, `; instead: ${instead}`);
    if (problem.meaning) {
      const meaning = document.createElement("span");
      meaning.className = "meaning";
      meaning.textContent = ` ${problem.meaning}`;
      box.append(meaning);
    }
    return box;
  }

  override ignoreEvent() {
    return true;
  }
}

/** Appends a text in which code stands between backquotes. */
function appendMarked(box: HTMLElement, text: string) {
  text.split("`").forEach((part, at) => {
    if (at % 2 === 0) return box.append(part);
    const code = document.createElement("code");
    code.textContent = part;
    box.append(code);
  });
}
