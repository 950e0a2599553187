/** The pictures of the main views that the README shows; `tests/browser/screenshots` writes them to `docs/`. */

import { join } from "node:path";
import type { Page } from "@playwright/test";
import { BuildView, expect, JobView, project, simulate, Stack, scratch, test as base } from "../harness/index.ts";

const NIGHTS = "2026-01-10..2026-03-08";
const QUERY = `nights=2026-02-20..2026-03-08&class=SN+candidate&class=EB*&class=RRLyr&class=!AGN&where=candidate.magpsf+<+20;%0Acandidate.drb+>+0.6`;

const test = base.extend<object, { stack: Stack }>({
  stack: [
    async ({}, use) =>
      scratch(async (folder) => {
        const archive = await simulate(join(folder, "archive"), NIGHTS, 250);
        const stack = await Stack.start(archive, join(folder, "data"));
        await stack.indexed();
        await use(stack);
        await stack.end();
      }),
    { scope: "worker", timeout: 120_000 },
  ],
});

/** Writes what is in view. */
const picture = (page: Page, name: string) =>
  page.screenshot({ path: join(project, "docs", `${name}.png`), scale: "css" });

for (const colorScheme of ["dark", "light"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });
    test(`a query, ${colorScheme}`, async ({ page, stack }) => {
      const view = await BuildView.open(page, stack.page, QUERY);
      await expect(view.editor()).toBeVisible();
      await expect(view.submitButton()).toBeEnabled();
      await page.waitForTimeout(500);
      await picture(page, `query-${colorScheme}`);
    });
  });
}

test.describe("jobs", () => {
  test.use({ colorScheme: "dark" });

  test("a job that runs", async ({ page, stack }) => {
    const request = { nights: [NIGHTS], name: "Variable stars of the winter", pace: { alerts_per_second: 2000 } };
    const { id } = await stack.submit({ ...request, conditions: "candidate.magpsf < 20" });
    const job = await JobView.open(page, stack.page, id);
    await job.is("Running");
    await expect.poll(() => job.figure("read"), { timeout: 20_000 }).toBeGreaterThan(6000);
    await expect(job.part("Sample").getByRole("button").first()).toBeVisible();
    await picture(page, "job-running");
    await stack.ended(id);
  });

  test("a job that is done, its receipt, and its sample", async ({ page, stack }) => {
    const request = {
      nights: ["2026-02-27..2026-03-08"],
      classes: ["RRLyr", "EB*"],
      content: "Full packet",
      limit: 120,
    };
    const { id } = await stack.submit({
      ...request,
      conditions: "candidate.magpsf < 20",
      name: "Variable stars, with images",
    });
    await stack.ended(id);
    const job = await JobView.open(page, stack.page, id);
    await job.is("Done");
    await expect(job.part("Receipt").getByText("It adds up.")).toBeVisible();
    await expect(job.part("Sample").getByRole("img", { name: /^Light curve/ })).toBeVisible();
    await page.waitForTimeout(300);
    await picture(page, "job-done");
    for (const [part, name] of [
      ["Receipt", "receipt"],
      ["Sample", "sample"],
    ] as const) {
      await job.part(part).evaluate((element) => scrollTo(0, element.getBoundingClientRect().top + scrollY - 70));
      await page.waitForTimeout(200);
      await picture(page, name);
    }
  });
});

test.describe("a phone", () => {
  test.use({ colorScheme: "light", viewport: { width: 390, height: 844 } });

  test("a query on a phone", async ({ page, stack }) => {
    const view = await BuildView.open(page, stack.page, QUERY);
    await expect(view.editor()).toBeVisible();
    await page.waitForTimeout(500);
    await picture(page, "phone");
  });
});
