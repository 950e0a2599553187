/** The pictures of the main views that the README shows; `tests/browser/screenshots` writes them to `docs/`. */

import { join } from "node:path";
import type { Page } from "@playwright/test";
import { BuildView, expect, JobView, over, project, simulate, type Stack, test as base } from "../harness/index.ts";

const DAY = 86_400_000;
const LAST = Date.parse("2026-03-08");
const day = (before: number) => new Date(LAST - before * DAY).toISOString().slice(0, 10);

/** Nights as an observatory has them: clouded ones are missing, short ones hold less. */
async function observatory(folder: string): Promise<string> {
  const nights = new Map<number, string[]>();
  for (let before = 0; before < 420; before++) {
    const weather = (Math.sin(before * 1.7) + Math.sin(before * 0.31) + Math.sin(before * 0.043) + 3) / 6;
    if (weather < 0.22) continue;
    const most = before < 17 ? 2400 : 60;
    const alerts = Math.max(1, Math.round(weather * 6)) * (most / 6);
    nights.set(alerts, [...(nights.get(alerts) ?? []), day(before)]);
  }
  for (const [alerts, some] of nights) await simulate(folder, some, alerts, alerts > 300 ? ["--no-cutouts"] : []);
  return simulate(folder, [day(20), day(19), day(18)], 300);
}

const QUERY =
  `nights=${day(16)}..${day(0)}&class=SN+candidate&class=EB*&class=RRLyr&class=!AGN` +
  "&where=candidate.magpsf+<+20;%0Acandidate.drb+>+0.6";

const test = base.extend<object, { stack: Stack }>({
  stack: [async ({}, use) => over(observatory, use), { scope: "worker", timeout: 180_000 }],
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
    const request = {
      nights: [`${day(50)}..${day(3)}`],
      name: "Bright alerts of the winter",
      pace: { alerts_per_second: 2500 },
    };
    const { id } = await stack.submit({ ...request, conditions: "candidate.magpsf < 20" });
    const job = await JobView.open(page, stack.page, id);
    await job.is("Running");
    await expect.poll(() => job.figure("read"), { timeout: 20_000 }).toBeGreaterThan(8000);
    await expect(job.part("Sample").getByRole("button").first()).toBeVisible();
    await picture(page, "job-running");
    await stack.ended(id);
  });

  test("a job that is done, its receipt, and its sample", async ({ page, stack }) => {
    const request = {
      nights: [`${day(20)}..${day(18)}`],
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
    // Some of the alerts are the first of their object.
    for (const alert of await job
      .part("Sample")
      .getByRole("list", { name: "Alerts of the sample" })
      .getByRole("button")
      .all()) {
      await alert.click();
      const curve = job.part("Sample").getByRole("img", { name: /^Light curve of \d\d points/ });
      if (await curve.isVisible()) break;
    }
    await page.mouse.move(0, 0);
    await page.evaluate(() => scrollTo(0, 0));
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
  test.use({ colorScheme: "light", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

  test("a query on a phone", async ({ page, stack }) => {
    const view = await BuildView.open(page, stack.page, QUERY);
    await expect(view.editor()).toBeVisible();
    await page.waitForTimeout(500);
    await picture(page, "phone");
  });
});
