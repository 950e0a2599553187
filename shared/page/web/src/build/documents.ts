import type { JobRequest } from "../types";

/** Where the command line looks for the service unless told otherwise. */
const USUAL = "http://127.0.0.1:8642";

/** The request as the command line's options, for the service whose paths begin with `api`. */
export function commandOf(request: JobRequest, api = `${USUAL}/v1/`): string {
  const options: string[] = [`--nights ${request.nights.map(word).join(" ")}`];
  const add = (name: string, value: unknown) => {
    if (value !== undefined && value !== null && value !== "") {
      // A value that begins like an option would be taken for one.
      const text = String(value);
      options.push(text.startsWith("-") ? `--${name}=${word(text)}` : `--${name} ${word(text)}`);
    }
  };
  for (const label of request.classes ?? []) add("class", label);
  add("where", request.conditions);
  add("content", Array.isArray(request.content) ? request.content.join(",") : request.content);
  add("limit", request.limit);
  if (request.test) options.push("--test");
  add("partitions", request.partitions);
  add("alerts-per-second", request.pace?.alerts_per_second);
  add("bytes-per-second", request.pace?.bytes_per_second);
  add("nights-at-once", request.pace?.nights_at_once);
  add("survey", request.survey);
  add("name", request.name);
  const service = api.replace(/\/v1\/$/, "");
  if (service !== USUAL) add("api", service);
  return `nightferry submit ${options.join(" \\\n    ")}`;
}

/** The request over HTTP. */
export function curlOf(request: JobRequest, api: string, withToken = false): string {
  const body = JSON.stringify(request, null, 2);
  const who = withToken ? `-H "authorization: $TOKEN" \\\n    ` : "";
  return `curl -X POST ${word(`${api}jobs`)} \\\n    ${who}-H 'content-type: application/json' \\\n    -d ${quoted(body)}`;
}

/** A word of a shell, quoted where it must be. */
export const word = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : quoted(text));

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The request as YAML. */
export async function yamlOf(request: JobRequest): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(request, { lineWidth: 0 });
}

/** Reads a request from a file's text, YAML or JSON. Throws what is wrong with it. */
export async function requestFromText(text: string): Promise<JobRequest> {
  const { parse } = await import("yaml");
  const value: unknown = parse(text, { schema: "core", maxAliasCount: 100 });
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("a request is a document with `nights`, `classes`, `conditions` and so on");
  }
  const unknown = Object.keys(value).filter((key) => !KEYS.includes(key));
  if (unknown.length)
    throw new Error(`\`${unknown[0]}\` is no part of a request; it has ${KEYS.slice(0, 10).join(", ")}`);
  const given = value as Record<string, unknown>;
  const nights = texts(given.nights).flatMap((entry) => entry.split(","));
  if (!nights.length) throw new Error("it names no nights");
  const request: JobRequest = { nights: nights.map((entry) => entry.trim()).filter(Boolean) };
  if (given.survey != null) {
    if (given.survey !== "lsst" && given.survey !== "ztf") throw new Error("`survey` is ztf or lsst");
    request.survey = given.survey;
  }
  if (given.classes != null) request.classes = texts(given.classes);
  const conditions = given.conditions ?? given.where;
  if (conditions != null)
    request.conditions = texts(conditions)
      .map((one) => one.trim().replace(/;+$/, ""))
      .join(";\n");
  if (given.content != null)
    request.content = Array.isArray(given.content) ? texts(given.content) : String(given.content);
  for (const key of ["limit", "partitions"] as const) if (given[key] != null) request[key] = whole(given[key], key);
  if (given.test != null && typeof given.test !== "boolean") throw new Error("`test` is true or false");
  if (given.test) request.test = true;
  if (given.name != null) request.name = String(given.name);
  if (given.pace != null) {
    if (typeof given.pace !== "object" || Array.isArray(given.pace))
      throw new Error("`pace` has parts, such as alerts_per_second");
    request.pace = {};
    for (const [key, amount] of Object.entries(given.pace)) {
      if (key !== "alerts_per_second" && key !== "bytes_per_second" && key !== "nights_at_once") {
        throw new Error(`\`pace.${key}\` is no part of a request`);
      }
      if (amount != null) request.pace[key] = whole(amount, `pace.${key}`);
    }
  }
  return request;
}

const KEYS = "nights classes conditions content limit test partitions pace survey name where id status".split(" ");

function texts(value: unknown): string[] {
  const list: unknown[] = value == null ? [] : Array.isArray(value) ? value : [value];
  if (list.some((entry) => typeof entry === "object")) throw new Error("an entry of a list is a text or a number");
  return list.map(String);
}

function whole(value: unknown, place: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw new Error(`\`${place}\` is a whole number`);
}
