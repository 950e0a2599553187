import type { JobState, TaskState } from "../api";
import "./state.css";

const WORDS: Record<JobState | "expired", string> = {
  queued: "Queued",
  running: "Running",
  done: "Done",
  partial: "Partial",
  failed: "Failed",
  cancelled: "Cancelled",
  expired: "Expired",
};

/** The state of a job or a night as a word with a mark; the mark's shape differs, not its colour alone. */
export function StateBadge({ state }: { state: JobState | TaskState | "expired" }) {
  return (
    <span class={`state ${state}`}>
      <span class="mark" aria-hidden="true" />
      {WORDS[state]}
    </span>
  );
}
