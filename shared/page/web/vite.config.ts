import { defineConfig } from "vite";

/** Where the API is while developing, as for the command line; the built page finds it beside itself. */
const api = process.env.NIGHTFERRY_API ?? "http://127.0.0.1:8642";

export default defineConfig({
  // The page may be served under a prefix, such as a stage of an API gateway.
  base: "./",
  server: { host: "127.0.0.1", proxy: { "/v1": api } },
  preview: { host: "127.0.0.1", proxy: { "/v1": api } },
  // The Content-Security-Policy allows no inline code, and fonts or images in CSS only from the page's own origin.
  build: {
    target: ["chrome125", "firefox125", "safari17.5"],
    assetsInlineLimit: 0,
    // The folder itself is in git, so that the program's build notices a page that is built later.
    emptyOutDir: false,
    modulePreload: { polyfill: false },
  },
});
