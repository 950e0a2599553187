import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { BuildView, expect, type JobDocument, shell, test } from "../harness/index.ts";

/** A request with all that a shell, an address or YAML could trip over. */
const REQUEST = {
  name: `it's "quoted" & $HOME \\ #1: yes`,
  nights: ["2026-03-01..2026-03-03", "2026-03-07"],
  classes: ["Unknown", "EB*", "!LongPeriodV*_Candidate"],
  conditions: "candidate.magpsf < 21; -- bright\nobjectId LIKE 'ZTF%' AND candidate.fid IN (1, 2)",
  content: ["objectId", "candidate.ra", "candidate.dec"],
  limit: 50,
  partitions: 3,
  pace: { alerts_per_second: 5000 },
};

const ADDRESS = (() => {
  const values = new URLSearchParams();
  values.set("nights", REQUEST.nights.join(","));
  for (const label of REQUEST.classes) values.append("class", label);
  values.set("where", REQUEST.conditions);
  values.set("fields", REQUEST.content.join(","));
  values.set("limit", String(REQUEST.limit));
  values.set("partitions", String(REQUEST.partitions));
  values.set("alerts_per_second", String(REQUEST.pace.alerts_per_second));
  values.set("name", REQUEST.name);
  return values.toString();
})();

/** The request part of a job's document, without what was left at its default. */
function requested({ id: _, status: __, ...request }: JobDocument): object {
  return JSON.parse(
    JSON.stringify(request, (key, value) =>
      value === null || value === false || (key === "survey" && value === "ztf") ? undefined : value,
    ),
  );
}

test("the curl command and the command line, run in a shell, make the job that the page shows", async ({
  page,
  sample,
  folder,
}) => {
  const view = await BuildView.open(page, sample.page, ADDRESS);
  const shown = parse(await view.written("YAML"));
  expect(shown).toEqual(REQUEST);

  const curl = JSON.parse(await shell(await view.written("curl"), folder)) as JobDocument;
  expect(requested(await sample.job(curl.id))).toEqual(shown);

  const command = `${await view.written("Command line")} --json`;
  const line = JSON.parse(await shell(command, folder));
  expect(requested(await sample.job(line.id))).toEqual(shown);

  // And the page's own button sends the same.
  const job = await view.submit();
  expect(requested(await sample.job(job.id()))).toEqual(shown);
  for (const id of [curl.id, line.id, job.id()]) expect((await sample.ended(id)).status.state).toBe("done");
});

test("the YAML is taken by the command line, and fills the page of another", async ({
  page,
  sample,
  folder,
  stranger,
}) => {
  const view = await BuildView.open(page, sample.page, ADDRESS);
  const yaml = await view.written("YAML");
  const file = join(folder, "job.yaml");
  await writeFile(file, yaml);
  const line = JSON.parse(await shell("nightferry submit job.yaml --json", folder, sample.terminal));
  expect(requested(await sample.job(line.id))).toEqual(REQUEST);

  const other = await BuildView.open(await stranger.newPage(), sample.page);
  const chooser = other.page.waitForEvent("filechooser");
  await other.page.getByRole("button", { name: "Open a file" }).click();
  await (await chooser).setFiles(file);
  await expect(other.page.getByText("Filled from job.yaml.")).toBeVisible();
  expect(parse(await other.written("YAML"))).toEqual(REQUEST);
  await expect(other.page).toHaveURL(page.url());

  // A file that is no request is refused with the reason, and what was there stays.
  const [again] = await Promise.all([
    other.page.waitForEvent("filechooser"),
    other.page.getByRole("button", { name: "Open a file" }).click(),
  ]);
  await again.setFiles({ name: "wrong.yaml", mimeType: "application/yaml", buffer: Buffer.from("nigths: [today]") });
  await expect(other.page.getByText(/^wrong\.yaml cannot be taken: .*nigths/)).toBeVisible();
  expect(parse(await other.written("YAML"))).toEqual(REQUEST);
});

test("a link holds the whole query, after a reload and in another browser", async ({ page, sample, stranger }) => {
  const view = await BuildView.open(page, sample.page, "nights=2026-03-01");
  // Built by hand this time, not by the address.
  await view.nightsText().fill("2026-03-02..2026-03-04, 2026-03-06");
  await view.include("QSO").click();
  await view.exclude("RRLyr").click();
  await view.packet("Medium packet").check();
  await view.editor().click();
  await page.keyboard.type("candidate.ra < 180");
  await page.keyboard.press("Escape");
  await page.getByRole("checkbox", { name: /^Test job/ }).check();
  await expect(page).toHaveURL(/test=true/);
  const built = parse(await view.written("YAML"));
  expect(built).toEqual({
    nights: ["2026-03-02..2026-03-04", "2026-03-06"],
    classes: ["QSO", "!RRLyr"],
    conditions: "candidate.ra < 180",
    content: "Medium packet",
    test: true,
  });
  const link = await view.written("Link");
  expect(link).toBe(page.url());

  await page.reload();
  await view.settled();
  expect(parse(await view.written("YAML"))).toEqual(built);

  const other = await stranger.newPage();
  await other.goto(link);
  const theirs = new BuildView(other);
  await theirs.settled();
  expect(parse(await theirs.written("YAML"))).toEqual(built);
  await expect(theirs.include("QSO")).toHaveAttribute("aria-pressed", "true");
  await expect(theirs.exclude("RRLyr")).toHaveAttribute("aria-pressed", "true");
  await expect(theirs.editor()).toHaveText("candidate.ra < 180");
  expect(await theirs.picked()).toEqual(["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-06"]);
});
