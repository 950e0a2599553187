/** The page's views, by what a user sees and hears of them. */

import { expect, type Page } from "@playwright/test";

/** The view that builds a query. */
export class BuildView {
  constructor(readonly page: Page) {}

  /** Opens it, with a request in the address such as `nights=2026-03-01`, and waits for its figures. */
  static async open(page: Page, address: string, query = ""): Promise<BuildView> {
    await page.goto(`${address}${query ? `#/?${query}` : ""}`);
    const view = new BuildView(page);
    await view.settled();
    return view;
  }

  part = (name: string) => this.page.getByRole("region", { name, exact: true });
  figures = () => this.page.getByRole("complementary", { name: "What it would bring" });
  editor = () => this.page.getByRole("textbox", { name: "Conditions" });
  nightsText = () => this.page.getByRole("textbox", { name: /^As text/ });
  night = (night: string) => this.page.getByRole("gridcell", { name: new RegExp(`^${spoken(night)},`) });
  include = (label: string) => this.page.getByRole("button", { name: `Include ${label}`, exact: true });
  exclude = (label: string) => this.page.getByRole("button", { name: `Exclude ${label}`, exact: true });
  packet = (name: string) => this.page.getByRole("radio", { name: new RegExp(`^${name}`) });
  submitButton = () => this.figures().getByRole("button", { name: /^Submit/ });

  /** Types the beginning of a field and takes the completion. */
  async complete(typed: string, field: string) {
    await this.page.keyboard.type(typed);
    await expect(this.page.getByRole("option", { name: field, selected: true })).toBeVisible();
    // The editor takes no key for its list until one had the time to see it.
    await this.page.waitForTimeout(150);
    await this.page.keyboard.press("Enter");
  }

  /** The headline: how many alerts would pass. */
  headline = () => this.figures().getByText(/^[\d,]+ alerts?$/);

  async alerts(): Promise<number> {
    return number((await this.headline().textContent()) ?? "");
  }

  /** Waits until there are figures. */
  async settled() {
    await expect(this.headline()).toBeVisible();
  }

  /** The nights that are marked as chosen in the months in view. */
  async picked(): Promise<string[]> {
    const cells = await this.page.getByRole("gridcell", { selected: true }).all();
    const labels = await Promise.all(cells.map((cell) => cell.getAttribute("aria-label")));
    return labels.map((label) => new Date(`${label!.split(",")[0]} UTC`).toISOString().slice(0, 10));
  }

  /** The same request as the page writes it in one of its ways. */
  async written(way: "Command line" | "YAML" | "curl" | "Link"): Promise<string> {
    await this.page.getByRole("group", { name: "Written as" }).getByRole("button", { name: way }).click();
    const text = this.page.getByLabel(`The request as ${way}`);
    await expect(text).not.toBeEmpty();
    return (await text.textContent())!;
  }

  /** Submits, and waits for the job's view. */
  async submit(): Promise<JobView> {
    await this.submitButton().click();
    await this.page.waitForURL(/#\/jobs\/./);
    return new JobView(this.page);
  }
}

/** The view of one job. */
export class JobView {
  constructor(readonly page: Page) {}

  static async open(page: Page, address: string, id: string): Promise<JobView> {
    await page.goto(`${address}#/jobs/${id}`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    return new JobView(page);
  }

  id = () => decodeURIComponent(this.page.url().split("#/jobs/")[1]!);
  /** A part by the word that its heading begins with. */
  part = (name: string) => this.page.getByRole("region", { name: new RegExp(`^${name}\\b`) });
  main = () => this.page.getByRole("main");

  /** Waits for the word that stands at the head of the job. */
  async is(state: "Queued" | "Running" | "Done" | "Partial" | "Failed" | "Cancelled") {
    // The first of these words is that of the job; nights have their own.
    await expect(
      this.main()
        .getByText(/^(Queued|Running|Done|Partial|Failed|Cancelled)$/)
        .first(),
    ).toHaveText(state, {
      timeout: 20_000,
    });
  }

  /** A figure of the progress, such as `sent`. */
  async figure(name: string): Promise<number> {
    const term = this.part("Progress")
      .getByRole("term")
      .filter({ hasText: new RegExp(`^${name}$`) });
    return number((await term.locator("xpath=following-sibling::dd").locator("b").textContent())!);
  }

  /** The commands of a way to get the data. */
  async commands(way: "nightferry" | "finkctl" | "Python"): Promise<string[]> {
    await this.page.getByRole("tab", { name: way }).click();
    return this.page.getByRole("tabpanel", { name: way }).locator("pre").allTextContents();
  }
}

/** A night as the calendar calls it: `2026-03-02` is `Mon 2 March 2026`. */
function spoken(night: string): string {
  const part = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" }).format(new Date(night));
  return `${part({ weekday: "short" })} ${part({ day: "numeric" })} ${part({ month: "long" })} ${part({ year: "numeric" })}`;
}

/** The number that a text begins with: `1,234 alerts` is 1234. */
export function number(text: string): number {
  const digits = /[\d,]+/.exec(text)?.[0];
  if (!digits) throw new Error(`no number in “${text}”`);
  return Number(digits.replaceAll(",", ""));
}
