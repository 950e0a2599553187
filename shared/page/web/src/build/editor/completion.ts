import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  snippetCompletion,
} from "@codemirror/autocomplete";
import type { ArchiveField, ConditionFunction } from "../../api";

const WORDS = ["AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "RLIKE", "IS NULL", "IS NOT NULL", "TRUE", "FALSE", "NULL"];

/** What may be written in conditions: fields with their meaning, functions, and words. */
export function completer(fields: () => ArchiveField[], functions: () => ConditionFunction[]) {
  let made: { fields: ArchiveField[]; functions: ConditionFunction[]; options: Completion[] } | undefined;
  const options = () => {
    if (made?.fields !== fields() || made.functions !== functions()) {
      made = { fields: fields(), functions: functions(), options: [] };
      made.options = [
        ...made.fields.filter((field) => field.can_be_named && field.type !== "struct").map(fieldOption),
        ...made.functions.flatMap((usable) =>
          [usable.name, ...(usable.other_names ?? [])].map((name) => functionOption(usable, name)),
        ),
        ...WORDS.map((label): Completion => ({ label, type: "keyword", boost: -2 })),
      ];
    }
    return made.options;
  };
  return (context: CompletionContext): CompletionResult | null => {
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    if (/--|^[^']*'(?:[^']*'[^']*')*[^']*$/.test(before)) return null;
    const word = context.matchBefore(/[\w.]+/);
    if (!context.explicit && (!word || /^[\d.]/.test(word.text))) return null;
    return { from: word ? word.from : context.pos, options: options(), validFor: /^[\w.]*$/ };
  };
}

function fieldOption(field: ArchiveField): Completion {
  return {
    label: field.field,
    type: "field",
    detail: [field.type, field.unit].filter(Boolean).join(", "),
    info: () =>
      note(
        field.description || "Its meaning is not known here.",
        field.lacking.length ? `Lacking in ${lacking(field)}` : "",
      ),
  };
}

const lacking = (field: ArchiveField) =>
  field.lacking.length > 3 ? `${field.lacking.slice(0, 3).join(", ")} and more` : field.lacking.join(", ");

function functionOption(usable: ConditionFunction, name: string): Completion {
  const option: Completion = {
    label: name,
    type: "function",
    detail: usable.usage.startsWith(usable.name) ? usable.usage.slice(usable.name.length) : usable.usage,
    info: () => note(usable.description, usable.usage),
  };
  return /^\w+\(/.test(usable.usage) && !usable.usage.includes("()")
    ? snippetCompletion(`${name}(\${})`, option)
    : { ...option, apply: `${name}()` };
}

function note(text: string, more: string) {
  const box = document.createElement("div");
  box.append(text);
  if (more) {
    const line = document.createElement("div");
    line.className = "more";
    line.textContent = more;
    box.append(line);
  }
  return box;
}
