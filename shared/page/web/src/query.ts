import type { JobRequest, Pace, Survey } from "./types";

/** The contents that have a name. */
export const PACKETS = ["Light packet", "Cutouts", "Medium packet", "Full packet"] as const;

/** The content that holds unless another is chosen. */
export const DEFAULT_CONTENT = "Light packet";

/** The address of the view that builds a query, filled with a request. */
export function linkOf(request: JobRequest): string {
  const query = queryOf(request);
  return query ? `#/?${query}` : "#/";
}

/**
 * A request as the query of an address, readable and with nothing that is left at its default:
 * `nights=2025-09-01..2025-09-05,2026-03-22&class=SN+candidate&where=candidate.magpsf+<+19`.
 */
export function queryOf(request: JobRequest): string {
  const pairs: [string, string][] = [];
  const add = (name: string, value: unknown) => {
    if (value !== undefined && value !== null && value !== "" && value !== false) pairs.push([name, String(value)]);
  };
  if (request.survey && request.survey !== "ztf") add("survey", request.survey);
  add("nights", request.nights.join(","));
  for (const label of request.classes ?? []) add("class", label);
  add("where", request.conditions);
  if (Array.isArray(request.content)) add("fields", request.content.join(",") || "none");
  else if (request.content !== DEFAULT_CONTENT) add("content", request.content);
  add("limit", request.limit);
  add("test", request.test);
  add("partitions", request.partitions);
  for (const key of PACE) add(key, request.pace?.[key]);
  add("name", request.name);
  return pairs.map(([name, value]) => `${name}=${readable(value)}`).join("&");
}

/** The request that the query of an address holds; none where it names no nights. */
export function requestOf(query: string): JobRequest | undefined {
  const values = new URLSearchParams(query);
  const nights = list(values.get("nights"));
  if (!nights.length && ![...values.keys()].length) return undefined;
  const request: JobRequest = { nights };
  const classes = values.getAll("class").filter(Boolean);
  if (values.get("survey")) request.survey = values.get("survey") as Survey;
  if (classes.length) request.classes = classes;
  if (values.get("where")) request.conditions = values.get("where")!;
  if (values.has("fields")) request.content = list(values.get("fields")).filter((field) => field !== "none");
  else if (values.get("content")) request.content = values.get("content")!;
  const number = (name: string) => (/^\d+$/.test(values.get(name) ?? "") ? Number(values.get(name)) : undefined);
  if (number("limit") !== undefined) request.limit = number("limit")!;
  if (values.get("test") === "true") request.test = true;
  if (number("partitions") !== undefined) request.partitions = number("partitions")!;
  const pace: Pace = {};
  for (const key of PACE) if (number(key) !== undefined) pace[key] = number(key)!;
  if (Object.keys(pace).length) request.pace = pace;
  if (values.get("name")) request.name = values.get("name")!;
  return request;
}

const PACE = ["alerts_per_second", "bytes_per_second", "nights_at_once"] as const;

const list = (text: string | null) => (text ?? "").split(",").filter(Boolean);

/** Escapes only what would change the meaning of an address, so that a link stays readable. */
function readable(text: string): string {
  return encodeURIComponent(text)
    .replace(/%20/g, "+")
    .replace(/%(2C|2F|3A|3B|40|24)/g, (escaped) => decodeURIComponent(escaped));
}
