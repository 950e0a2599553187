import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { BuildView, expect, JobView, type Stack, test } from "../harness/index.ts";

/** Everything in one theme; in the other what depends on it. */
const RULES = { dark: undefined, light: ["color-contrast", "link-in-text-block"] };

for (const colorScheme of ["dark", "light"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test(`axe finds nothing serious in any view, ${colorScheme}`, async ({ page, sample }) => {
      test.setTimeout(90_000);
      const sound = (what: string) => check(page, what, RULES[colorScheme]);
      const view = await BuildView.open(page, sample.page);
      await sound("the view that builds a query");

      // The same with all that it can show at once: chosen classes, fields, a complaint, an open list of completions.
      await page.goto(
        `${sample.page}#/?nights=2026-03-01..2026-03-08&class=QSO&class=!AGN&fields=objectId&where=jd+>+1`,
      );
      await expect(view.part("Conditions").getByText("unknown field").first()).toBeAttached();
      // Hundreds of rows that are like each other take long and tell no more than a few.
      await page.getByRole("searchbox", { name: "Search the fields" }).fill("magpsf");
      await view.editor().click();
      await page.keyboard.press("End");
      await page.keyboard.type(" AND candidate.mag");
      await expect(page.getByRole("option", { name: /^candidate\.magpsf/ })).toBeVisible();
      await sound("a query with a complaint and completions");

      const slow = await sample.submit({ nights: ["2026-03-01..2026-03-08"], pace: { alerts_per_second: 50 } });
      const job = await JobView.open(page, sample.page, slow.id);
      await job.is("Running");
      await expect(job.part("Sample").getByRole("list").first()).toBeVisible();
      await sound("a job that runs");
      await sample.ask(`jobs/${slow.id}`, { method: "DELETE" });

      await JobView.open(page, sample.page, await full(sample));
      await job.is("Done");
      await expect(job.part("Receipt").getByText("It adds up.")).toBeVisible();
      await expect(job.part("Sample").getByRole("img", { name: /^Light curve/ })).toBeVisible();
      await page.getByText("As a table").click();
      await job.part("Sample").getByRole("searchbox").fill("sigmapsf");
      await sound("a job that is done");

      await page.goto(`${sample.page}#/jobs`);
      await expect(page.getByRole("row").nth(1)).toBeVisible();
      await sound("the list of jobs");
    });
  });
}

/** A job that has ended, with history and cutouts. */
async function full(stack: Stack): Promise<string> {
  const { id } = await stack.submit({ nights: ["2026-03-01..2026-03-02"], content: "Full packet", limit: 40 });
  await stack.ended(id);
  return id;
}

/** Fails with what axe finds serious or critical, and where. */
async function check(page: Page, what: string, rules: string[] | undefined) {
  const axe = new AxeBuilder({ page }).options({ resultTypes: ["violations"] });
  if (rules) axe.withRules(rules);
  const { violations } = await axe.analyze();
  for (const { id, impact, help, nodes } of violations) {
    // The editor's list of completions is scrolled by its arrow keys, from within the editor.
    const found = nodes.filter((node) => id !== "scrollable-region-focusable" || !/role="listbox"/.test(node.html));
    const told = found.map((node) => `${node.target.join(" ")}: ${node.failureSummary?.replace(/\s+/g, " ")}`);
    if (impact === "serious" || impact === "critical")
      expect.soft(told.slice(0, 4), `${what}: ${id}, ${help}`).toEqual([]);
    else if (told.length) console.log(`  ${what}: ${impact}: ${id}, ${help}: ${told[0]}`);
  }
}
