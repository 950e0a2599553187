import { describe, expect, it } from "vitest";
import { checks } from "./books";
import { conditionsOf } from "./conditions";
import { failures, fill, nightsOf, ranges, stages } from "./nights";
import type { Counts, NightStatus, Receipt, TaskState } from "../api";

const NONE: Counts = {
  read: 0,
  dropped_by_class: 0,
  dropped_by_condition: [],
  over_limit: 0,
  kept: 0,
  sent: 0,
  bytes_sent: 0,
  bytes_read: 0,
  requests: 0,
  footer_requests: 0,
  classes: {},
};

function task(night: string, part: number, state: TaskState, read: number, reason?: string): NightStatus {
  const failure = reason ? { reason, worth_retrying: true } : null;
  return { night, part, state, alerts: 100, attempts: 1, counts: { ...NONE, read, kept: read, sent: read }, failure };
}

describe("the nights of a job", () => {
  it("tell the parts of a large night together", () => {
    const [first, second] = nightsOf([
      task("2026-03-02", 0, "done", 100),
      task("2026-03-01", 0, "done", 100),
      task("2026-03-01", 1, "queued", 0),
    ]);
    expect(first).toMatchObject({ night: "2026-03-01", state: "running", alerts: 200, read: 100, parts: 2 });
    expect(fill(first!)).toBe(0.5);
    expect(fill(second!)).toBe(1);
  });

  it("tell a reason once, however many nights have it", () => {
    const nights = nightsOf([
      task("2026-03-01", 0, "failed", 0, "year=2026/month=03/day=01/part-0.parquet of 2026-03-01 changed"),
      task("2026-03-02", 0, "failed", 0, "year=2026/month=03/day=02/part-0.parquet of 2026-03-02 changed"),
      task("2026-03-03", 0, "failed", 0, "2026-03-03 cannot be read"),
    ]);
    expect(failures(nights)).toEqual([
      {
        reason: "year=2026/month=03/day=01/part-0.parquet of 2026-03-01 changed",
        nights: ["2026-03-01", "2026-03-02"],
      },
      { reason: "2026-03-03 cannot be read", nights: ["2026-03-03"] },
    ]);
  });

  it("are told as ranges, over the ends of months and leap days", () => {
    expect(ranges(["2024-03-01", "2024-02-28", "2024-02-29", "2025-01-07", "2024-02-28"])).toEqual([
      "2024-02-28..2024-03-01",
      "2025-01-07",
    ]);
  });
});

describe("conditions", () => {
  it("are split as the receipt counts them", () => {
    // The service counted three conditions of the first text: its receipt had three figures.
    expect(conditionsOf("candidate.magpsf < 19; -- bright; yes\ncandidate.rb > 0.5; candidate.drb > 0.99")).toEqual([
      "candidate.magpsf < 19",
      "candidate.rb > 0.5",
      "candidate.drb > 0.99",
    ]);
    expect(conditionsOf("objectId != 'a;b--c';;\n")).toEqual(["objectId != 'a;b--c'"]);
    expect(conditionsOf("")).toEqual([]);
  });
});

describe("a receipt", () => {
  // A job of 14 nights, two classes and three conditions.
  const total: Counts = {
    ...NONE,
    read: 56000,
    dropped_by_class: 49090,
    dropped_by_condition: [4343, 703, 1856],
    kept: 8,
    sent: 8,
    classes: { "SN candidate": 8 },
  };
  const receipt: Receipt = {
    id: "6c966620-c49c-4a5d-bd89-3b8b506df4f6",
    state: "done",
    topic: "ftransfer_ztf_2026-11-26_67593706679",
    written: "2026-11-26T18:46:41Z",
    total,
    nights: [{ night: "2026-02-20", part: 0, state: "done", counts: total, files: [] }],
    partitions: [
      { partition: 0, start: 0, end: 5, count: 5 },
      { partition: 1, start: 0, end: 3, count: 3 },
    ],
  };

  it("adds up, or says where it does not", () => {
    expect(checks(receipt).every((check) => check.holds)).toBe(true);
    const lost = { ...receipt, partitions: receipt.partitions.slice(1) };
    expect(checks(lost).filter((check) => !check.holds)).toMatchObject([{ left: 3, right: 8 }]);
  });

  it("is told stage by stage", () => {
    const list = stages(total, ["a", "b", "c"], true, true);
    expect(list.map((stage) => stage.alerts)).toEqual([56000, 49090, 4343, 703, 1856, 0, 8, 8]);
  });
});
