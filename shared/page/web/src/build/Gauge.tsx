interface GaugeProps {
  value: number;
  low?: number | undefined;
  high?: number | undefined;
  limit: number;
  /** What is bounded, in words. */
  label: string;
}

/** A figure against what is allowed: the limit is a line, what lies beyond it is marked. */
export function Gauge({ value, low = value, high = value, limit, label }: GaugeProps) {
  // Well below the limit the line stands at the end; beyond it moves in.
  const full = Math.max(limit * 1.08, high, 1);
  return (
    <div class={`gauge${value > limit ? " over" : ""}`}>
      <div class="track" aria-hidden="true">
        <i class="value" style={{ "--share": Math.min(1, value / full) }} />
        {high > low && <i class="whisker" style={{ "--from": low / full, "--to": high / full }} />}
        <i class="line" style={{ "--at": limit / full }} />
      </div>
      <p class="small muted">{label}</p>
    </div>
  );
}
