import { BuildView, expect, JobView, readTopic, test } from "../harness/index.ts";

const NIGHTS = "nights=2026-03-01..2026-03-08";

test("a job is cancelled, and its topic stays readable up to there", async ({ page, sample }) => {
  // 2,400 alerts, 100 a second: it would take long.
  const view = await BuildView.open(page, sample.page, `${NIGHTS}&alerts_per_second=100&name=to+be+stopped`);
  const job = await view.submit();
  await job.is("Running");
  await expect(page).toHaveTitle(/ % · to be stopped/);
  await expect.poll(() => job.figure("sent"), { timeout: 15_000 }).toBeGreaterThan(0);

  // A first click asks, and may be taken back.
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByRole("button", { name: "Let it run" }).click();
  await job.is("Running");
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByRole("group", { name: "Cancel this job?" }).getByRole("button", { name: "Cancel the job" }).click();
  await job.is("Cancelled");
  await expect(page).toHaveTitle(/^cancelled · /);

  const told = await sample.ended(job.id());
  expect(told.status.state).toBe("cancelled");
  expect(told.status.counts.sent).toBeLessThan(2400);
  await expect(job.part("Receipt").getByText("It adds up.")).toBeVisible();
  await expect.poll(() => job.figure("sent")).toBe(told.status.counts.sent);
  const topic = await readTopic(sample.bootstrap, told.status.topic);
  expect(topic.decoded).toBe(told.status.counts.sent);

  // It can be run again, as a new job.
  await expect(page.getByRole("button", { name: "Cancel", exact: true })).toHaveCount(0);
  await page.getByRole("button", { name: "Run again" }).click();
  await page.waitForURL((url) => !url.href.endsWith(told.id));
  await job.is("Running");
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await job.is("Cancelled");
});

test("a job goes on while its view is loaded again, and ends before the eyes", async ({ page, sample }) => {
  const view = await BuildView.open(page, sample.page, `${NIGHTS}&alerts_per_second=500`);
  const job = await view.submit();
  await job.is("Running");
  await expect.poll(() => job.figure("read")).toBeGreaterThan(0);
  const before = await job.figure("read");
  await page.reload();
  await job.is("Running");
  expect(await job.figure("read")).toBeGreaterThanOrEqual(before);
  await expect(page.getByRole("progressbar", { name: "Alerts read" })).toBeVisible();
  await job.is("Done");
  expect(await job.figure("sent")).toBe(2400);
  await expect(page.getByRole("img", { name: /^8 nights: 8 done\./ })).toBeVisible();
  await expect(job.part("Receipt").getByText("It adds up.")).toBeVisible();
});

test("jobs are listed with their topics, are searched, and lead to their views", async ({ page, sample }) => {
  const job = await sample.submit({ nights: ["2026-03-01"], name: "to be found", limit: 5 });
  const done = await sample.ended(job.id);
  await sample.ended((await sample.submit({ nights: ["2026-03-02"], name: "another", test: true })).id);
  await page.goto(`${sample.page}#/jobs`);
  const row = page.getByRole("row", { name: /to be found/ });
  await expect(row).toContainText("Done");
  await expect(row).toContainText(done.status.topic);
  await expect(row).toContainText("in 7 days");
  await expect(page.getByRole("row", { name: /another/ })).toBeVisible();
  await page.getByRole("searchbox", { name: /^Search jobs/ }).fill("to be found");
  await expect(page.getByRole("row", { name: /another/ })).toHaveCount(0);
  await row.getByRole("link", { name: "to be found" }).click();
  const view = new JobView(page);
  await view.is("Done");
  expect(await view.figure("sent")).toBe(5);
});

test("a job that is not there is told, and the list is at hand", async ({ page, sample, complaints }) => {
  await page.goto(`${sample.page}#/jobs/00000000-0000-4000-8000-000000000000`);
  await expect(page.getByRole("heading", { name: "There is no such job" })).toBeVisible();
  // The browser writes to its console that nothing is there; that once, and nothing else.
  expect(complaints.splice(0)).toEqual([expect.stringContaining("404")]);
  await page.getByRole("link", { name: "See the list of jobs" }).click();
  await expect(page.getByRole("heading", { name: "Jobs" })).toBeVisible();
});
