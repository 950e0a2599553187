import { parseExact } from "./sample/exact";
import { token, tokenWanted } from "./token";
import type {
  ArchiveClass,
  ArchiveNight,
  ArchiveSchema,
  ConditionFunction,
  Estimate,
  Health,
  JobDocument,
  JobRequest,
  JobSummary,
  ProblemDocument,
  Receipt,
  Sample,
  ServiceInfo,
} from "./types";

export type * from "./types";

/** Where the API is: beside the page, whatever prefix that is served under. */
export const apiUrl = new URL("./v1/", document.baseURI).href;

/** An answer that is no success, with what the API says of it. */
export class ApiError extends Error {
  constructor(readonly problem: ProblemDocument) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
  }
}

/** Whether an error only says that a request was given up. */
export const isAbort = (error: unknown) => error instanceof DOMException && error.name === "AbortError";

/** Whether a path is unknown to the service, as newer ones are to an older service. */
export const isMissing = (error: unknown) => error instanceof ApiError && error.problem.status === 404;

/** What to tell of an error. */
export const said = (error: unknown) => (error instanceof Error ? error.message : String(error));

async function call<Answer>(method: string, path: string, signal?: AbortSignal, body?: unknown): Promise<Answer> {
  return (await (await answered(method, path, signal, body)).json()) as Answer;
}

async function answered(method: string, path: string, signal?: AbortSignal, body?: unknown): Promise<Response> {
  let response: Response;
  const bearer = token();
  try {
    response = await fetch(apiUrl + path, {
      method,
      signal: signal ?? null,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(bearer ? { authorization: bearer } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError({
      type: "about:blank",
      title: "The service cannot be reached",
      status: 0,
      detail: "the service cannot be reached; is it running, and is the network up?",
    });
  }
  if (response.ok) return response;
  if (response.status === 401) tokenWanted.value = true;
  throw new ApiError(await problemOf(response));
}

async function problemOf(response: Response): Promise<ProblemDocument> {
  const plain = { type: "about:blank", title: response.statusText, status: response.status };
  try {
    const document = (await response.json()) as Partial<ProblemDocument>;
    return { ...plain, detail: "", ...document, status: response.status };
  } catch (error) {
    if (isAbort(error)) throw error;
    return { ...plain, detail: `the service answered with status ${response.status}` };
  }
}

const job = (id: string, what = "") => `jobs/${encodeURIComponent(id)}${what}`;

/** The API, one function a path. */
export const api = {
  service: (signal?: AbortSignal) => call<ServiceInfo>("GET", "service", signal),
  health: (signal?: AbortSignal) => call<Health>("GET", "health", signal),
  functions: (signal?: AbortSignal) => call<ConditionFunction[]>("GET", "functions", signal),
  nights: (signal?: AbortSignal) => call<ArchiveNight[]>("GET", "nights", signal),
  classes: (nights?: string[], signal?: AbortSignal) =>
    call<ArchiveClass[]>("GET", nights ? `classes?nights=${encodeURIComponent(nights.join(","))}` : "classes", signal),
  schema: (signal?: AbortSignal) => call<ArchiveSchema>("GET", "schema", signal),
  estimate: (request: JobRequest, signal?: AbortSignal) => call<Estimate>("POST", "estimates", signal, request),
  submit: (request: JobRequest, signal?: AbortSignal) => call<JobDocument>("POST", "jobs", signal, request),
  /** The newest jobs, at most so many; one's own where the service knows who asks. */
  jobs: (most: number, signal?: AbortSignal) =>
    call<JobSummary[]>("GET", `jobs?limit=${most}${token() ? "&mine=true" : ""}`, signal),
  job: (id: string, signal?: AbortSignal) => call<JobDocument>("GET", job(id), signal),
  cancel: (id: string, signal?: AbortSignal) => call<JobDocument>("DELETE", job(id), signal),
  retry: (id: string, signal?: AbortSignal) => call<JobDocument>("POST", job(id, "/retry"), signal),
  rerun: (id: string, signal?: AbortSignal) => call<JobDocument>("POST", job(id, "/rerun"), signal),
  receipt: (id: string, signal?: AbortSignal) => call<Receipt>("GET", job(id, "/receipt"), signal),
  /** Alerts as they are, whole numbers with all their digits. */
  sample: async (id: string, signal?: AbortSignal) =>
    parseExact(await (await answered("GET", job(id, "/sample"), signal)).text()) as Sample,
};
