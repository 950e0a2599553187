/** What each case gets: stacks that run as long as its worker, and a browser whose every complaint fails the case. */

import { type BrowserContext, test as base } from "@playwright/test";
import { join } from "node:path";
import { scratch, shared } from "./programs.ts";
import { simulate, Stack } from "./stack.ts";

export { expect } from "@playwright/test";
export * from "./programs.ts";
export * from "./stack.ts";
export * from "./views.ts";

interface Stacks {
  /** Over eight small sample nights with cutouts, `2026-03-01` to `2026-03-08`; all indexed. */
  sample: Stack;
  /** Over sample nights enough for an estimate to have work to do; all indexed. */
  wide: Stack;
  /** Over the real nights; all indexed. */
  real: Stack;
}

interface Each {
  /** A folder of the case's own. */
  folder: string;
  /** What the browser complained of so far; must be empty when the case ends. */
  complaints: string[];
  /** One more browser that knows nothing of the first, watched like it. */
  stranger: BrowserContext;
}

/** A stack over an archive that is made first, all indexed; it is ended whatever happens. */
export async function over(archive: (folder: string) => Promise<string>, use: (stack: Stack) => Promise<void>) {
  await scratch(async (folder) => {
    const stack = await Stack.start(await archive(join(folder, "archive")), join(folder, "data"));
    try {
      await stack.indexed();
      await use(stack);
    } finally {
      await stack.end();
    }
  });
}

export const test = base.extend<Each, Stacks>({
  sample: [
    async ({}, use) => over((folder) => simulate(folder, ["2026-03-01..2026-03-08"], 300), use),
    { scope: "worker", timeout: 60_000 },
  ],
  wide: [
    async ({}, use) => over((folder) => simulate(folder, ["2026-01-20..2026-03-08"], 400, ["--no-cutouts"]), use),
    { scope: "worker", timeout: 90_000 },
  ],
  real: [async ({}, use) => over(async () => shared("archive/ztf"), use), { scope: "worker", timeout: 60_000 }],

  folder: async ({}, use) => scratch(use),

  complaints: async ({}, use) => {
    const complaints: string[] = [];
    await use(complaints);
    if (complaints.length) throw new Error(`the browser complained:\n${complaints.join("\n")}`);
  },

  context: async ({ context, complaints }, use) => {
    watch(context, complaints);
    await use(context);
  },

  stranger: async ({ browser, complaints }, use) => {
    const context = await browser.newContext();
    watch(context, complaints);
    await use(context);
    await context.close();
  },
});

/**
 * Collects what must never happen: errors, violations of the Content-Security-Policy (which the browser writes to the
 * console), dialogs, and requests to anyone but the service. That the API refuses a wrong request is an answer, though
 * the browser writes it to the console as well.
 */
function watch(context: BrowserContext, complaints: string[]) {
  context.on("console", (message) => {
    const { url } = message.location();
    if (message.type() === "warning" && /Content.Security.Policy/i.test(message.text()))
      complaints.push(message.text());
    if (message.type() !== "error") return;
    if (/status of 422/.test(message.text()) && /\/v1\/(estimates|jobs|classes)\b/.test(url)) return;
    complaints.push(`${message.text()} (${url})`);
  });
  context.on("weberror", (error) => complaints.push(String(error.error().stack)));
  context.on("dialog", (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (["data:", "blob:"].includes(protocol) || hostname === "127.0.0.1") return;
    complaints.push(`a request to ${request.url()}`);
  });
}
