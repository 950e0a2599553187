import { useEffect, useState } from "preact/hooks";
import { change, draft, replaced } from "./draft";
import { problemsAt } from "./estimating";
import { Problems } from "./Problems";

/** How much of it, how fast, and under which name. */
export function More() {
  const { limit, test, pace, partitions, name } = draft.value;
  const used = Object.values(pace).some((value) => value != null) || partitions !== null || name !== "";
  const [open, show] = useState(used);
  useEffect(() => {
    if (used) show(true);
  }, [replaced.value]);
  const paced = (part: typeof pace) => change({ pace: { ...draft.peek().pace, ...part } });
  return (
    <section class="card more" aria-labelledby="more-title">
      <header>
        <h2 id="more-title">How much</h2>
      </header>
      <div class="row">
        <Whole
          label="At most"
          unit="alerts"
          value={limit}
          set={(limit) => change({ limit })}
          placeholder={test ? "10" : "no limit"}
        />
        <label class="check">
          <input type="checkbox" checked={test} onChange={(event) => change({ test: event.currentTarget.checked })} />
          <span>
            Test job <span class="muted">ten alerts unless said otherwise</span>
          </span>
        </label>
      </div>
      <Problems of={problemsAt("limit")} />
      <details open={open} onToggle={(event) => show(event.currentTarget.open)}>
        <summary>Name, pace and partitions</summary>
        <div class="row">
          <label class="whole wide">
            <span>Name</span>
            <input
              type="text"
              value={name}
              maxLength={100}
              placeholder="a name of your own"
              onInput={(event) => change({ name: event.currentTarget.value })}
            />
          </label>
          <Whole
            label="At most"
            unit="alerts a second"
            value={pace.alerts_per_second ?? null}
            set={(value) => paced({ alerts_per_second: value })}
            placeholder="full speed"
          />
          <Whole
            label="At most"
            unit="bytes a second"
            value={pace.bytes_per_second ?? null}
            set={(value) => paced({ bytes_per_second: value })}
            placeholder="full speed"
          />
          <Whole
            label="At once"
            unit="nights"
            value={pace.nights_at_once ?? null}
            set={(value) => paced({ nights_at_once: value })}
            placeholder="as it fits"
          />
          <Whole
            label="Topic"
            unit="partitions"
            value={partitions}
            set={(value) => change({ partitions: value })}
            placeholder={test ? "few" : "10"}
          />
        </div>
        <p class="muted small">With a rate the nights run one after another, so that a replay keeps their order.</p>
        <Problems of={[...problemsAt("pace"), ...problemsAt("partitions"), ...problemsAt("name")]} />
      </details>
    </section>
  );
}

interface WholeProps {
  label: string;
  unit: string;
  value: number | null;
  set: (value: number | null) => void;
  placeholder: string;
}

/** A whole number, or none. */
function Whole({ label, unit, value, set, placeholder }: WholeProps) {
  return (
    <label class="whole">
      <span>{label}</span>
      <input
        type="text"
        inputMode="numeric"
        value={value ?? ""}
        placeholder={placeholder}
        aria-label={`${label} ${unit}`}
        onInput={(event) => {
          const digits = event.currentTarget.value.replace(/\D/g, "").slice(0, 15);
          event.currentTarget.value = digits;
          set(digits === "" ? null : Number(digits));
        }}
      />
      <span class="muted">{unit}</span>
    </label>
  );
}
