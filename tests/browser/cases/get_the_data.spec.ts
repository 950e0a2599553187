import { dirname, join } from "node:path";
import { expect, JobView, python, run, shell, test } from "../harness/index.ts";

test("each ready command, taken as it is shown, brings every alert", async ({ page, sample, folder }) => {
  test.setTimeout(90_000);
  const { id } = await sample.submit({ nights: ["2026-03-01..2026-03-02"], content: "Light packet", partitions: 1 });
  const { status } = await sample.ended(id);
  expect(status.counts.sent).toBe(600);
  const view = await JobView.open(page, sample.page, id);
  await view.is("Done");
  const clients = { HOME: folder, PATH: `${dirname(await python())}:${process.env.PATH}` };

  // Plain Python: the program reads to the end and counts by itself.
  const program = (await view.commands("Python")).at(-1)!;
  expect(program).toContain(status.topic);
  expect(await run(await python(), ["-c", program], { cwd: folder })).toMatch(/^600 alerts; .*objectId/);

  // Ours, and the comparison that it offers.
  const [download, verify] = await view.commands("nightferry");
  await shell(download!, folder);
  expect(await rows(join(folder, "alerts"))).toBe(600);
  await shell(verify!, folder);

  // The field's own client; it waits ten seconds at the end of the only partition.
  const [install, register, transfer] = await view.commands("finkctl");
  expect(install).toBe("pip install fink-client");
  const own = join(folder, "field");
  await run("mkdir", [own]);
  await run("bash", ["-c", `${register}\n${transfer}`], { cwd: own, env: clients });
  expect(await rows(join(own, "alerts"))).toBe(600);
});

test("a copy button puts the command on the clipboard", async ({ page, context, sample }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const { id } = await sample.submit({ nights: ["2026-03-01"], test: true });
  await sample.ended(id);
  const view = await JobView.open(page, sample.page, id);
  await view.is("Done");
  const [command] = await view.commands("nightferry");
  const button = view.part("Get the data").getByRole("tabpanel").getByRole("button").first();
  await button.click();
  await expect(button).toContainText("Copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(command);
});

/** The alerts in a folder of Parquet files, counted by pyarrow. */
async function rows(folder: string): Promise<number> {
  const count = "import sys, pyarrow.dataset as d; print(d.dataset(sys.argv[1], format='parquet').count_rows())";
  return Number(await run(await python(), ["-c", count, folder]));
}
