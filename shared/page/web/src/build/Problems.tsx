import type { Problem } from "../api";

/** Complaints, beside the part that they are about. */
export function Problems({ of }: { of: Problem[] }) {
  return (
    <div class="problems" role="status">
      {of.map((problem) => (
        <p key={problem.place + problem.reason}>
          <Says problem={problem} />
        </p>
      ))}
    </div>
  );
}

/** A complaint with what to do instead and what that means. */
export function Says({ problem }: { problem: Problem }) {
  const { reason, instead, meaning } = problem;
  return (
    <>
      {marked(sentence(reason))}
      {instead && <> Instead: {marked(instead)}</>}
      {meaning && <span class="muted"> ({meaning})</span>}
    </>
  );
}

const sentence = (text: string) => (/[.?]$/.test(text) ? text : `${text}.`);

/** What stands between backquotes as code. */
function marked(text: string) {
  return text.split("`").map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part));
}
