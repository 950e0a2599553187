import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";

const WORDS = /^(?:and|or|not|in|between|like|rlike|is|null|true|false|case|when|then|else|end|cast|as|div)$/i;

/** Enough of Spark's SQL to colour conditions. */
const conditions = StreamLanguage.define<null>({
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^--.*/)) return "comment";
    if (stream.match(/^'(?:[^'\\]|\\.|'')*'?/) || stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
    if (stream.match(/^\d+(?:\.\d*)?(?:[eE][+-]?\d+)?\w?/) || stream.match(/^\.\d+(?:[eE][+-]?\d+)?/)) return "number";
    if (stream.match(/^\w+(?=\s*\()/)) return WORDS.test(stream.current()) ? "keyword" : "function";
    if (stream.match(/^[\w.]+/)) return WORDS.test(stream.current()) ? "keyword" : "variableName";
    if (stream.match(/^`[^`]*`?/)) return "variableName";
    stream.next();
    return "operator";
  },
  tokenTable: { function: tags.function(tags.variableName) },
  languageData: { commentTokens: { line: "--" }, closeBrackets: { brackets: ["(", "'"] } },
});

// The colours are classes of the editor's own style sheet.
const colours = HighlightStyle.define([
  { tag: tags.comment, class: "t-comment" },
  { tag: tags.string, class: "t-string" },
  { tag: tags.number, class: "t-number" },
  { tag: tags.keyword, class: "t-word" },
  { tag: tags.function(tags.variableName), class: "t-function" },
]);

export const conditionLanguage = [conditions, syntaxHighlighting(colours)];
