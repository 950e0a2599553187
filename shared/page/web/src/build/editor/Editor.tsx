import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  completionStatus,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, placeholder, tooltips } from "@codemirror/view";
import { useEffect, useRef } from "preact/hooks";
import { fields, functions } from "../archive";
import { draft } from "../draft";
import { type EditorProps, typing } from "../Conditions";
import { completer } from "./completion";
import { conditionLanguage } from "./language";
import { problemMarks, showProblems } from "./marks";
import { placeOf } from "./places";
import { theme } from "./theme";

const completing = (state: EditorState) => completionStatus(state) === "active";

/**
 * The editor of the conditions. It lives in a shadow tree: there its style sheets are adopted rather than written into
 * the document, which the page's Content-Security-Policy forbids.
 */
export default function Editor({ text, problems, hint, onChange }: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | undefined>(undefined);
  const changed = useRef(onChange);
  changed.current = onChange;

  useEffect(() => {
    const root = host.current!.shadowRoot ?? host.current!.attachShadow({ mode: "open" });
    const editor = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: text,
        extensions: [
          history(),
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          conditionLanguage,
          autocompletion({
            override: [
              completer(
                () => fields.peek() ?? [],
                () => functions.peek(),
              ),
            ],
            icons: false,
            activateOnTypingDelay: 60,
          }),
          tooltips({ position: "fixed" }),
          // Tab leaves the editor, unless a completion is open.
          keymap.of([
            { key: "Tab", run: acceptCompletion },
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...historyKeymap,
            ...defaultKeymap,
          ]),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({
            "aria-label": "Conditions",
            "aria-multiline": "true",
            role: "textbox",
            spellcheck: "false",
            autocapitalize: "off",
            autocorrect: "off",
          }),
          placeholder(hint),
          problemMarks,
          theme,
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed.current(update.state.doc.toString());
            if (completing(update.startState) !== completing(update.state)) queueMicrotask(show);
          }),
        ],
      }),
    });
    view.current = editor;
    if (typing.now && document.activeElement === document.body) {
      editor.dispatch({ selection: { anchor: editor.state.doc.length } });
      editor.focus();
    }
    typing.now = false;
    return () => {
      view.current = undefined;
      editor.destroy();
    };
  }, []);

  useEffect(() => {
    const editor = view.current!;
    const now = editor.state.doc.toString();
    // The text as it is by now: typing may be ahead of what this was drawn with.
    const text = draft.peek().conditions;
    if (now !== text) editor.dispatch({ changes: { from: 0, to: now.length, insert: text } });
  }, [text]);

  const told = useRef(problems);
  told.current = problems;
  /** The text that the complaints are about. */
  const about = useRef("");
  // A word that is still being completed is no error yet.
  const show = () => {
    const editor = view.current;
    if (!editor) return;
    const { state } = editor;
    const at = completing(state) ? state.selection.main.head : undefined;
    const text = state.doc.toString();
    if (text !== about.current) return;
    const due = told.current.filter((problem) => {
      const { from, to } = placeOf(text, problem);
      return at === undefined || at < from || at > to;
    });
    showProblems(editor, due);
  };
  useEffect(() => {
    about.current = view.current!.state.doc.toString();
    show();
  }, [problems]);

  return <div class="editor" ref={host} />;
}
