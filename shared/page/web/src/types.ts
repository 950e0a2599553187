/** What the HTTP API takes and returns; `GET v1/openapi.json` describes it. */

export type Survey = "ztf" | "lsst";

/** What a user asks for. */
export interface JobRequest {
  survey?: Survey;
  /** Nights `YYYY-MM-DD`, ranges with both ends included, and days counted from today (UTC). */
  nights: string[];
  /** ORed; `!X` leaves X out; none means all. */
  classes?: string[];
  /** Spark's SQL, one condition each, separated by `;`, ANDed. */
  conditions?: string;
  /** The name of a packet, or a list of fields. */
  content?: string | string[];
  limit?: number | null;
  test?: boolean;
  partitions?: number | null;
  pace?: Pace;
  name?: string | null;
}

export interface Pace {
  alerts_per_second?: number | null;
  bytes_per_second?: number | null;
  nights_at_once?: number | null;
}

/** A complaint about a part of a request. */
export interface Problem {
  /** Such as `limit`, or `conditions, line 1, column 1`. */
  place: string;
  reason: string;
  instead?: string | null;
  meaning?: string | null;
  snippet?: string | null;
}

/** Why the API refused or failed. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  problems?: Problem[];
  estimate?: Estimate | null;
}

/** What a request would come to. */
export interface Estimate {
  alerts: number;
  /** The ends of the 95 % interval. */
  alerts_low: number;
  alerts_high: number;
  /** Whether `alerts` was counted rather than scaled up. */
  exact: boolean;
  /** Bytes in the topic before compression; none where no alert that passes was met. */
  bytes?: number | null;
  disk_bytes?: number | null;
  seconds?: number | null;
  /** The same alerts as each of the named contents; empty where nights are not indexed. */
  contents?: ContentSize[];
  alerts_in_nights: number;
  bytes_in_nights?: number;
  alerts_tried: number;
  nights: NightEstimate[];
  /** Each class that the nights hold, before any limit; of indexed nights only. */
  classes?: ClassEstimate[];
  /** Chosen nights that the archive lacks. */
  empty_nights: string[];
  /** Nights that cannot be read, with the reason. */
  unreadable: string[];
}

export interface ContentSize {
  content: string;
  bytes: number;
  disk_bytes: number;
}

interface Interval {
  alerts: number;
  alerts_low: number;
  alerts_high: number;
  exact: boolean;
}

export interface NightEstimate extends Interval {
  night: string;
  alerts_in_night: number;
  indexed: boolean;
}

export interface ClassEstimate extends Interval {
  class: string;
  alerts_in_nights: number;
}

/** A night of the archive; all but its name is told of indexed nights only. */
export interface ArchiveNight {
  night: string;
  indexed: boolean;
  alerts?: number | null;
  bytes?: number | null;
  files?: number | null;
  unreadable?: number | null;
  trouble?: string | null;
  columns?: number | null;
  /** Alerts by `candidate.fid`: 1 is g, 2 is r, 3 is i. */
  bands: Record<string, number>;
  jd?: [number, number] | null;
}

export interface ArchiveClass {
  class: string;
  alerts: number;
  nights: number;
}

export interface ArchiveField {
  /** Its whole name, as conditions and lists of fields take it. */
  field: string;
  type: string;
  unit: string;
  description: string;
  /** Whether a condition or a list of fields may name it. */
  can_be_named: boolean;
  contents: string[];
  /** The nights that lack it, as ranges. */
  lacking: string[];
  least?: number | null;
  greatest?: number | null;
}

export interface ArchiveSchema {
  nights: number;
  fields: ArchiveField[];
}

/** A function that conditions may use. */
export interface ConditionFunction {
  name: string;
  other_names?: string[];
  usage: string;
  description: string;
  kind: string;
}

/** What the service is and what it allows; a limit of null is none. */
export interface ServiceInfo {
  version: string;
  surveys: Survey[];
  bootstrap: string;
  retention_seconds: number;
  limits: Limits;
  indexing?: boolean;
}

export interface Limits {
  job_nights: number | null;
  job_alerts: number | null;
  job_bytes: number | null;
  day_nights: number | null;
  day_alerts: number | null;
  day_bytes: number | null;
}

export interface Health {
  version: string;
  archive: string;
  bootstrap: string;
}

export type JobState = "queued" | "running" | "done" | "partial" | "failed" | "cancelled";
export type TaskState = "queued" | "running" | "done" | "failed" | "cancelled";

export interface JobSummary {
  id: string;
  name?: string | null;
  state: JobState;
  user: string;
  topic?: string | null;
  created: string;
  expires: string;
  expired: boolean;
  content: string;
  sent: number;
}

/** A job: the document as submitted, with its status. */
export interface JobDocument extends JobRequest {
  id: string;
  status: JobStatus;
}

export interface JobStatus {
  state: JobState;
  topic?: string | null;
  trace: string;
  partitions: number;
  created: string;
  ended?: string | null;
  /** When the topic's first alerts begin to expire. */
  expires: string;
  /** Whether the topic is gone. */
  expired: boolean;
  /** Alerts in the chosen nights. */
  alerts: number;
  counts: Counts;
  alerts_per_second?: number | null;
  seconds_left?: number | null;
  nights: NightStatus[];
  empty_nights: string[];
  notes: string[];
  log: LogLine[];
  failure?: Failure | null;
}

/** Everything read is dropped or kept, everything kept is sent. */
export interface Counts {
  read: number;
  dropped_by_class: number;
  dropped_by_condition: number[];
  over_limit: number;
  kept: number;
  sent: number;
  bytes_sent: number;
  bytes_read: number;
  requests: number;
  footer_requests: number;
  classes: Record<string, number>;
}

export interface NightStatus {
  night: string;
  part: number;
  state: TaskState;
  alerts: number;
  attempts: number;
  counts: Counts;
  failure?: Failure | null;
}

export interface Failure {
  reason: string;
  worth_retrying: boolean;
}

export interface LogLine {
  time: string;
  text: string;
}

/** What a job has done, checked against the topic. */
export interface Receipt {
  id: string;
  state: JobState;
  topic: string;
  schema_fingerprint?: string | null;
  written: string;
  total: Counts;
  nights: NightReceipt[];
  partitions: PartitionSpan[];
  failure?: Failure | null;
}

export interface NightReceipt {
  night: string;
  part: number;
  state: TaskState;
  counts: Counts;
  unfinished?: number;
  /** Alerts in each partition of the topic. */
  messages?: number[];
  files: TaskFile[];
  failure?: Failure | null;
}

export interface TaskFile {
  path: string;
  size: number;
  etag?: string | null;
  rows: number;
  row_groups: number;
}

export interface PartitionSpan {
  partition: number;
  start: number;
  end: number;
  count?: number;
}

/** Some alerts of a topic, with bytes as base64. */
export interface Sample {
  alerts: SampleAlert[];
}

export interface SampleAlert {
  night: string;
  alert: Record<string, unknown>;
}
