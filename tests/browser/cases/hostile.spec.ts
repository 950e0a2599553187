import type { Page } from "@playwright/test";
import { join } from "node:path";
import { BuildView, expect, JobView, python, run, simulate, Stack, test } from "../harness/index.ts";

const MARKUP = `<img src=x onerror=alert(1)>`;
const SCRIPT = `"><script>alert(2)</script><b>bold</b>`;

/** Rewrites a sample night so that its labels, its names and its images are hostile. */
const POISON = `
import glob, sys
import pyarrow as pa, pyarrow.parquet as pq
markup, script = sys.argv[2:]
for path in glob.glob(sys.argv[1] + "/science/**/*.parquet", recursive=True):
    table = pq.ParquetFile(path).read()
    def put(name, value, at=None):
        global table
        column = table.column(name).to_pylist()
        changed = [value if at is None or row % at == 0 else old for row, old in enumerate(column)]
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(changed, table.schema.field(name).type))
    put("cdsxmatch", markup, 2)
    put("objectId", script)
    put("spicy_class", markup)
    pictures = table.column("cutoutScience").to_pylist()
    for row, picture in enumerate(pictures):
        picture["stampData"] = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(3)'/>"
    table = table.set_column(table.schema.get_field_index("cutoutScience"), "cutoutScience",
                             pa.array(pictures, table.schema.field("cutoutScience").type))
    pq.write_table(table, path)
`;

test("markup in a job's name and in an address is text", async ({ page, sample }) => {
  const query = new URLSearchParams({ nights: "2026-03-01", name: MARKUP, where: `objectId = '${SCRIPT}'` });
  query.append("class", MARKUP);
  const view = await BuildView.open(page, sample.page, query.toString());
  await expect(page.getByRole("button", { name: /take back/i }).filter({ hasText: MARKUP })).toBeVisible();
  await expect(view.editor()).toHaveText(`objectId = '${SCRIPT}'`);
  for (const way of ["YAML", "curl", "Command line", "Link"] as const) expect(await view.written(way)).toBeTruthy();

  const { id } = await sample.submit({ nights: ["2026-03-01"], name: MARKUP, test: true });
  await sample.ended(id);
  const job = await JobView.open(page, sample.page, id);
  await job.is("Done");
  await expect(page.getByRole("heading", { level: 1, name: MARKUP })).toBeVisible();
  await expect(page).toHaveTitle(`done · ${MARKUP} · nightferry`);
  await page.goto(`${sample.page}#/jobs`);
  await expect(page.getByRole("link", { name: MARKUP })).toBeVisible();
  await nothingMade(page);

  // What is wrong with such parts is told as text as well.
  await page.goto(`${sample.page}#/?nights=${encodeURIComponent(MARKUP)}`);
  await expect(view.part("Nights").getByText(MARKUP).first()).toBeVisible();
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Open a file" }).click();
  const text = `nights: [2026-03-01]\n"${MARKUP}": 1\n`;
  await (await chooser).setFiles({ name: `${MARKUP}.yaml`, mimeType: "application/yaml", buffer: Buffer.from(text) });
  await expect(page.getByText("cannot be taken")).toContainText(MARKUP);
  await nothingMade(page);
});

test("markup in the archive's labels, names and images is text", async ({ page, folder }) => {
  const archive = await simulate(join(folder, "archive"), ["2026-03-01"], 60);
  await run(await python(), ["-c", POISON, archive, MARKUP, SCRIPT]);
  const stack = await Stack.start(archive, join(folder, "data"));
  try {
    await stack.indexed();
    const view = await BuildView.open(page, stack.page);
    await view.include(MARKUP).click();
    await expect(view.figures().getByText(MARKUP).first()).toBeVisible();
    await view.packet("Full packet").check();
    await expect.poll(() => view.alerts()).toBe(30);
    const job = await view.submit();
    await job.is("Done");
    const sample = job.part("Sample");
    await expect(sample.getByText(SCRIPT).first()).toBeVisible();
    await expect(sample.getByText(MARKUP).first()).toBeVisible();
    await expect(sample.getByText("cannot be shown").first()).toBeVisible();
    await sample.getByRole("searchbox").fill("spicy_class");
    await expect(sample.getByRole("row", { name: /spicy_class/ })).toContainText(MARKUP);
    await expect(job.part("Receipt").getByText("It adds up.")).toBeVisible();
    await nothingMade(page);
  } finally {
    await stack.end();
  }
});

/** No element came out of the markup. Dialogs, errors and breaches of the policy are watched for in every case. */
async function nothingMade(page: Page) {
  const made = await page.locator("img[src], img[onerror], script:not([src]), b:text-is('bold')").all();
  expect(await Promise.all(made.map((element) => element.evaluate((node) => node.outerHTML)))).toEqual([]);
}
