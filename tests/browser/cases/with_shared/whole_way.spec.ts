import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";
import {
  BuildView,
  type Estimate,
  expect,
  JobView,
  number,
  project,
  python,
  type Receipt,
  run,
  type Stack,
  test,
} from "../../harness/index.ts";

// The night 2021-11-22 holds 124 of the real alerts; those of September 2025 have all columns.
const NIGHTS = ["2025-09-01", "2025-09-02", "2025-09-03", "2025-09-04", "2025-09-05", "2026-03-22"];

test.describe("@with_shared", () => {
  test("by mouse, from the calendar to the receipt and the alerts themselves", async ({ page, real, folder }) => {
    test.setTimeout(60_000);
    const view = await BuildView.open(page, real.page);
    await page.getByRole("button", { name: "None", exact: true }).click();
    await expect(view.submitButton()).toBeDisabled();

    // A range is drawn over the calendar, a night is clicked.
    await page.getByRole("button", { name: /^Show September 2025/ }).click();
    await view.night("2025-09-01").hover();
    await page.mouse.down();
    await view.night("2025-09-03").hover();
    await view.night("2025-09-05").hover();
    await page.mouse.up();
    expect(await view.picked()).toEqual(NIGHTS.slice(0, 5));
    await page.getByRole("button", { name: /^Show March 2026/ }).click();
    await view.night("2026-03-22").click();
    await expect(view.part("Nights").getByRole("status").first()).toHaveText("6 nights of 32, 86 alerts");
    await expect.poll(() => view.alerts()).toBe(14 + 18 + 2 + 15 + 6 + 31);

    // Each choice changes the figures.
    const all = await view.alerts();
    await view.exclude("Ambiguous").click();
    await expect.poll(() => view.alerts()).toBeLessThan(all);
    const without = await view.alerts();
    await view.include("SN candidate").click();
    await expect.poll(() => view.alerts()).toBeLessThan(without);
    const candidates = await view.alerts();
    await view.include("Supernova").click();
    await expect.poll(() => view.alerts()).toBeGreaterThan(candidates);
    const chosen = await view.alerts();
    await view.editor().click();
    await view.complete("candidate.magp", "candidate.magpsf");
    await page.keyboard.type(" < 19.4");
    await expect(view.editor()).toHaveText("candidate.magpsf < 19.4");
    await expect.poll(() => view.alerts()).toBeLessThan(chosen);
    const topicSize = () => view.figures().getByRole("definition").first().textContent();
    const light = await topicSize();
    await view.packet("Full packet").check();
    await expect.poll(topicSize).not.toBe(light);
    const expected = await view.alerts();
    expect(expected).toBeGreaterThan(0);

    const job = await view.submit();
    await ends(job, real, folder, expected);
  });

  test("by keyboard alone, from the calendar to the receipt and the alerts themselves", async ({
    page,
    real,
    folder,
  }) => {
    test.setTimeout(90_000);
    await page.goto(real.page);
    const view = new BuildView(page);
    await view.settled();
    const keys = async (...all: string[]) => {
      for (const key of all) await page.keyboard.press(key);
    };
    await tabTo(page, page.getByRole("button", { name: "None", exact: true }));
    await keys("Enter");

    // From the last night of the archive to those of September; Shift draws the range.
    const night = page.getByRole("grid").getByRole("gridcell").and(page.locator('[tabindex="0"]'));
    await tabTo(page, night);
    await expect(view.night("2026-03-22")).toBeFocused();
    await keys("Space");
    await keys("PageUp", "PageUp", "PageUp", "PageUp", "PageUp", "PageUp");
    await expect(view.night("2025-09-22")).toBeFocused();
    await keys("ArrowUp", "ArrowUp", "ArrowUp");
    await expect(view.night("2025-09-01")).toBeFocused();
    await keys("Space", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight");
    await expect(view.part("Nights").getByRole("status").first()).toHaveText("6 nights of 32, 86 alerts");

    await tabTo(page, page.getByRole("searchbox", { name: "Search the classes" }));
    await page.keyboard.type("SN cand");
    await keys("ArrowDown");
    await expect(view.include("SN candidate")).toBeFocused();
    await keys("Space");
    await expect(view.include("SN candidate")).toHaveAttribute("aria-pressed", "true");

    await tabTo(page, view.editor());
    await view.complete("candidate.magp", "candidate.magpsf");
    await page.keyboard.type(" < 19.4");

    await tabTo(page, page.getByRole("radio", { checked: true }));
    await keys("ArrowDown", "ArrowDown", "ArrowDown");
    await expect(view.packet("Full packet")).toBeChecked();
    await expect(view.submitButton()).toBeEnabled();
    const { alerts: expected } = await real.ask<Estimate>("estimates", {
      method: "POST",
      headers: { "content-type": "application/yaml" },
      body: await view.written("YAML"),
    });
    await expect.poll(() => view.alerts()).toBe(expected);
    await tabTo(page, view.submitButton());
    await keys("Enter");
    await page.waitForURL(/#\/jobs\/./);
    await expect(page.getByRole("main")).toBeFocused();
    const job = new JobView(page);
    await ends(job, real, folder, expected);

    // The alerts of the sample and the commands are reached as well.
    await tabTo(page, page.getByRole("tab", { selected: true }));
    await keys("ArrowRight");
    await expect(page.getByRole("tab", { name: "Python" })).toHaveAttribute("aria-selected", "true");
    await tabTo(page, job.part("Sample").getByRole("button").nth(1));
    await keys("Enter");
    await expect(job.part("Sample").getByRole("button").nth(1)).toHaveAttribute("aria-pressed", "true");
  });
});

/** Presses Tab until something has the focus. */
async function tabTo(page: Page, to: Locator) {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press("Tab");
    if (await to.evaluate((element) => element.matches(":focus")).catch(() => false)) return;
  }
  throw new Error(`Tab does not lead to ${to}`);
}

/** The job ends, and its view, the API's receipt and the topic tell the same; its alerts are drawn. */
async function ends(job: JobView, stack: Stack, folder: string, expected: number) {
  await job.is("Done");
  const { status } = await stack.ended(job.id());
  const receipt = await stack.receipt(job.id());
  expect(receipt.total.sent).toBe(expected);
  for (const name of ["read", "kept", "sent"] as const) expect(await job.figure(name)).toBe(receipt.total[name]);
  await showsReceipt(job, receipt);

  // What arrived, read by other means than ours.
  const dump = join(folder, "alerts.jsonl");
  const script = join(project, "tests/clients/read_topic.py");
  const args = ["--bootstrap", stack.bootstrap, "--topic", status.topic, "--dump", dump];
  const told = JSON.parse(await run(await python(), [script, ...args]));
  expect(told.decoded).toBe(receipt.total.sent);
  for (const { partition, end } of receipt.partitions) expect(told.partitions[partition].end).toBe(end);
  const alerts = (await readFile(dump, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  for (const alert of alerts) {
    expect(["SN candidate", "Supernova"]).toContain(alert.finkclass);
    expect(alert.candidate.magpsf).toBeLessThan(19.4);
    expect(NIGHTS).toContain([alert.year, alert.month, alert.day].map((n) => String(n).padStart(2, "0")).join("-"));
  }

  await draws(job, new Set(alerts.map((alert) => alert.objectId)));
}

/** The receipt that is shown holds the numbers of the API's. */
async function showsReceipt(job: JobView, receipt: Receipt) {
  const shown = job.part("Receipt");
  await expect(shown.getByText("It adds up.")).toBeVisible();
  const numbers = async (table: string, row: RegExp) =>
    (
      await shown
        .getByRole("region", { name: table })
        .getByRole("row", { name: row })
        .getByRole("cell")
        .allTextContents()
    ).map((text) => number(text));
  const { read, kept, sent } = receipt.total;
  expect((await numbers("The receipt by night", /^all /)).slice(0, 4)).toEqual([read, read - kept, kept, sent]);
  for (const { night, counts } of receipt.nights) {
    const row = await numbers("The receipt by night", new RegExp(`^${night}`));
    expect(row.slice(0, 4), night).toEqual([counts.read, counts.read - counts.kept, counts.kept, counts.sent]);
  }
  for (const { partition, start, end } of receipt.partitions) {
    const row = await numbers("The receipt by partition", new RegExp(`^${partition} `));
    expect(row, `partition ${partition}`).toEqual([start, end, end - start]);
  }
}

/** The sample shows alerts of the topic, a light curve and three pictures that differ. */
async function draws(job: JobView, names: Set<string>) {
  const sample = job.part("Sample");
  const listed = await sample.getByRole("list", { name: "Alerts of the sample" }).getByRole("button").allTextContents();
  expect(listed.length).toBeGreaterThan(0);
  for (const text of listed)
    expect(
      [...names].some((name) => text.includes(name)),
      text,
    ).toBe(true);

  const curve = sample.getByRole("img", { name: /^Light curve of \d+ points/ });
  await expect(curve).toBeVisible();
  expect(await colours(curve.locator("canvas"))).toBeGreaterThan(5);
  const pictures = new Set<string>();
  for (const name of ["Science", "Template", "Difference"]) {
    const picture = sample.getByRole("img", { name: `${name} cutout` });
    await expect.poll(() => colours(picture), { message: name }).toBeGreaterThan(10);
    pictures.add(await picture.evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL()));
  }
  expect(pictures.size).toBe(3);
}

/** How many colours a canvas holds. */
function colours(canvas: Locator): Promise<number> {
  return canvas.evaluate((element: HTMLCanvasElement) => {
    const { data } = element.getContext("2d")!.getImageData(0, 0, element.width, element.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
}
