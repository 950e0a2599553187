import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { count } from "../format";
import "./table.css";

/** A table of many rows, shown page by page so that thousands of them stay quick. */
export function Pages<Row>({
  rows,
  size = 50,
  label,
  head,
  foot,
  row,
}: {
  rows: readonly Row[];
  size?: number;
  /** What the table holds, for those who hear it. */
  label: string;
  head: ComponentChildren;
  foot?: ComponentChildren;
  row: (row: Row) => ComponentChildren;
}) {
  const [wanted, turnTo] = useState(0);
  const last = Math.max(0, Math.ceil(rows.length / size) - 1);
  const page = Math.min(wanted, last);
  const from = page * size;
  const shown = rows.slice(from, from + size);
  return (
    <div class="pages">
      <div class="scroller" tabIndex={0} role="region" aria-label={label}>
        <table class="ledger">
          <thead>{head}</thead>
          <tbody>{shown.map(row)}</tbody>
          {foot && <tfoot>{foot}</tfoot>}
        </table>
      </div>
      {last > 0 && (
        <nav class="pager" aria-label={`Pages of ${label}`}>
          <button type="button" disabled={page === 0} onClick={() => turnTo(page - 1)}>
            Previous
          </button>
          <span role="status">
            {count(from + 1)} to {count(from + shown.length)} of {count(rows.length)}
          </span>
          <button type="button" disabled={page === last} onClick={() => turnTo(page + 1)}>
            Next
          </button>
        </nav>
      )}
    </div>
  );
}
