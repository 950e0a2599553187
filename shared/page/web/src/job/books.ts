import type { Counts, Receipt } from "../api";

/** One sum of a receipt that must hold. */
export interface Check {
  /** What is added up. */
  says: string;
  left: number;
  right: number;
  holds: boolean;
}

/** Alerts that were dropped on the way. */
export function dropped(counts: Counts): number {
  const { dropped_by_class = 0, dropped_by_condition = [], over_limit = 0 } = counts;
  return dropped_by_class + over_limit + sum(dropped_by_condition);
}

/** Whether a receipt adds up: each sum is made here again, from the single books. */
export function checks(receipt: Receipt): Check[] {
  const { read = 0, kept = 0, sent = 0, classes = {} } = receipt.total;
  const nights = receipt.nights;
  const unfinished = sum(nights.map((night) => night.unfinished ?? 0));
  const inTopic = sum(receipt.partitions.map((span) => span.count ?? span.end - span.start));
  const byClass = sum(Object.values(classes));
  const list = [
    check("dropped and kept are what was read", dropped(receipt.total) + kept, read),
    check("the nights' books are the totals", sum(nights.map((night) => night.counts.sent ?? 0)), sent),
    check(unfinished ? "kept and unfinished are what was sent" : "everything kept was sent", kept + unfinished, sent),
    check("the topic's partitions hold what was sent", inTopic, sent),
  ];
  if (byClass > 0) list.push(check("the classes are what was kept", byClass, kept));
  return list;
}

function check(says: string, left: number, right: number): Check {
  return { says, left, right, holds: left === right };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
