import { defineConfig } from "@playwright/test";

/** Debian's Chromium, without what it would ask of the network by itself. */
const launchOptions = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

export default defineConfig({
  outputDir: "results",
  reporter: [["list"]],
  forbidOnly: !!process.env.CI,
  // One after another: the cases measure, and each stack takes all cores while it indexes and ferries.
  workers: 1,
  timeout: 30_000,
  expect: { timeout: 10_000 },
  use: {
    browserName: "chromium",
    launchOptions,
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "UTC",
    trace: "off",
    actionTimeout: 10_000,
  },
  projects: [
    { name: "cases", testDir: "cases" },
    { name: "pictures", testDir: "pictures" },
  ],
});
