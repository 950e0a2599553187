import { signal } from "@preact/signals";

/** What the hash of the address names. */
export type Route = { view: "build"; query: string } | { view: "jobs" } | { view: "job"; id: string };

/** Reads a hash such as `#/jobs/8ca0…`; whatever is unknown is the view that builds a query. */
export function routeOf(hash: string): Route {
  const [path = "", query = ""] = splitOnce(hash.replace(/^#\/?/, ""), "?");
  if (path === "jobs" || path === "jobs/") return { view: "jobs" };
  if (path.startsWith("jobs/")) return { view: "job", id: decoded(path.slice("jobs/".length)) };
  return { view: "build", query };
}

/** The route that is shown. */
export const route = signal<Route>(routeOf(location.hash));

addEventListener("hashchange", () => (route.value = routeOf(location.hash)));

/** The address of a job's view. */
export const jobLink = (id: string) => `#/jobs/${encodeURIComponent(id)}`;

/** Goes to an address such as `#/jobs`. */
export function go(hash: string) {
  location.hash = hash;
}

/** Changes the address without a step in the history and without showing another view. */
export function replaceAddress(hash: string) {
  try {
    history.replaceState(history.state, "", hash);
  } catch {
    // Some browsers allow only so many changes in a while; the next one has it all.
  }
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
