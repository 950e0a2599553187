import { BuildView, expect, test } from "../harness/index.ts";

const NIGHTS = "nights=2026-03-01..2026-03-08";

test("a wrong condition is told under its place while typing, with what to write instead", async ({ page, sample }) => {
  const view = await BuildView.open(page, sample.page, NIGHTS);
  const jobs = await sample.ask<object[]>("jobs");
  await view.editor().click();
  await page.keyboard.type("candidate.magpsf < 19;\nratio > 0.5;\ncandidate.fid = 1");
  await page.keyboard.press("Escape"); // a list of completions, if one is open
  const complaint = view.part("Conditions").getByText("unknown field `ratio`").filter({ visible: true }).first();
  await expect(complaint).toBeVisible();

  // It stands between the line that it is about and the next one.
  const lines = await view.editor().locator(":scope > *").allInnerTexts();
  const at = lines.findIndex((line) => line.includes("unknown field"));
  expect(lines[at - 1]).toContain("ratio > 0.5;");
  expect(lines[at + 1]).toContain("candidate.fid = 1");

  // It says so to those who hear the page, and nothing can be submitted.
  await expect(view.part("Conditions").getByRole("status")).toContainText("conditions, line 2, column 1");
  await expect(view.submitButton()).toBeDisabled();
  await view.submitButton().click({ force: true });
  await page.waitForTimeout(300);
  expect(page.url()).not.toContain("#/jobs/");
  expect(await sample.ask<object[]>("jobs")).toEqual(jobs);
});

test("what is offered instead of a wrong name is written by a click", async ({ page, sample }) => {
  await page.goto(`${sample.page}#/?${NIGHTS}&where=jd+>+2461000`);
  const view = new BuildView(page);
  await view.part("Conditions").getByRole("button", { name: "candidate.jd", exact: true }).click();
  await expect(view.editor()).toHaveText("candidate.jd > 2461000");
  await expect(view.submitButton()).toBeEnabled();
  await expect(view.part("Conditions").getByText("unknown field")).toHaveCount(0);
});

test("every kind of wrong part of a request is told where it is", async ({ page, sample }) => {
  const view = await BuildView.open(page, sample.page, NIGHTS);
  await view.nightsText().fill("2026-02-30");
  await expect(
    view
      .part("Nights")
      .getByText(/2026-02-30/)
      .first(),
  ).toBeVisible();
  await expect(view.submitButton()).toBeDisabled();
  await view.nightsText().fill("");
  await expect(view.part("Nights").getByText("Choose at least one night.")).toBeVisible();
  await expect(view.submitButton()).toBeDisabled();
  await view.nightsText().fill("2026-03-01");
  await expect(view.submitButton()).toBeEnabled();
  await expect.poll(() => view.alerts()).toBe(300);

  await view.part("How much").getByRole("textbox", { name: "At most alerts", exact: true }).fill("0");
  await expect(
    view
      .part("How much")
      .getByText(/limit|at least|0/i)
      .filter({ visible: true })
      .last(),
  ).toBeVisible();
});

test("conditions are completed from the archive's fields and the functions", async ({ page, sample }) => {
  const view = await BuildView.open(page, sample.page, NIGHTS);
  await view.editor().click();
  await page.keyboard.type("candidate.mag");
  const field = page.getByRole("option", { name: /^candidate\.magpsf/ });
  await expect(field).toBeVisible();
  await expect(field).toContainText("mag");
  await page.keyboard.type("psf");
  await expect(
    page
      .getByText(/magnitude/i)
      .filter({ visible: true })
      .first(),
  ).toBeVisible();
  await expect(field).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Enter");
  // A complaint about what is not yet written may stand below it already.
  await expect(view.editor()).toHaveText(/^candidate\.magpsf/);
  await page.keyboard.type(" < 19 AND LOG");
  await expect(page.getByRole("option", { name: /^LOG10/i })).toBeVisible();
  await page.keyboard.press("Escape");
});

test("fast typing arrives whole, in the editor and in the link", async ({ page, sample }) => {
  const view = await BuildView.open(page, sample.page, NIGHTS);
  const text = "candidate.magpsf < 19.5; candidate.distnr > 2; rf_snia_vs_nonia > 0.25;";
  await view.editor().click();
  for (const word of text.split(/(?<= )/)) {
    await page.keyboard.type(word);
    await page.keyboard.press("Escape"); // a list of completions, if one is open
  }
  await expect(view.editor()).toHaveText(text);
  expect(new URLSearchParams(page.url().split("?")[1]).get("where")).toBe(text);
});
