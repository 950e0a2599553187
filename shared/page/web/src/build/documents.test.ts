import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { commandOf, curlOf, requestFromText, yamlOf } from "./documents";
import type { JobRequest } from "../types";

/** The document of README.md. */
const README = `
nights: [2025-09-01..2025-09-05, 2026-03-22]   # single nights and ranges, both ends included
classes: [SN candidate, (TNS) SN Ia, '!AGN']   # ORed; ! or "not " leaves out; none means all
conditions: |                                  # Spark's SQL, one each, ANDed; any column, whatever the content
  candidate.magpsf < 19.5;
  (candidate.magnr - candidate.magpsf) < -4 * (LOG10(candidate.distnr) + 0.2);  -- a comment
content: Light packet
limit: 1000
pace: {alerts_per_second: 100}
`;

const request: JobRequest = {
  nights: ["2025-09-01..2025-09-05", "2026-03-22"],
  classes: ["SN candidate", "(TNS) SN Ia", "!AGN"],
  conditions:
    "candidate.magpsf < 19.5;\n(candidate.magnr - candidate.magpsf) < -4 * (LOG10(candidate.distnr) + 0.2);  -- a comment",
  content: "Light packet",
  limit: 1000,
  pace: { alerts_per_second: 100 },
};

describe("a document", () => {
  test("is read as README.md writes it", async () => {
    expect(await requestFromText(README)).toEqual(request);
  });
  test("is read as JSON, with the status that the service added", async () => {
    const returned = JSON.stringify({ id: "8ca005ef", ...request, status: { state: "done" } });
    expect(await requestFromText(returned)).toEqual(request);
  });
  test("is refused where a part of it could be meant otherwise", async () => {
    const wrong = ["test: 'true'", "survey: LSST", "pace: 5", "limit: many", "classes: [{a: 1}]", "limits: 5"];
    for (const part of wrong) {
      await expect(requestFromText(`nights: [2026-03-22]\n${part}`), part).rejects.toThrow();
    }
  });
  test("is written so that it is read the same", async () => {
    const hard = { ...request, classes: ["!AGN", "**", "yes", "not X"], name: "'\"\\ # : -", content: ["a", "b.c"] };
    expect(await requestFromText(await yamlOf(hard))).toEqual(hard);
  });
  test.each([
    ["nigts: [2026-03-22]", "`nigts`"],
    ["nights: []", "no nights"],
    ["nights: [2026-03-22]\nlimit: many", "`limit`"],
    ["- a list", "a request is a document"],
  ])("%j is refused with a word about why", async (text, why) => {
    await expect(requestFromText(text)).rejects.toThrow(why);
  });
});

/** The words that a shell makes of a command. */
const words = (command: string) =>
  execFileSync("sh", ["-c", `show() { for word; do printf '%s\\0' "$word"; done; }; show ${command}`], {
    encoding: "utf8",
  })
    .split("\0")
    .slice(0, -1);

describe("a shell", () => {
  test("reads the command's options as they are", () => {
    const tricky = { ...request, conditions: "-1 < x AND y = 'it''s $HOME `id`'", name: "a\\b" };
    expect(words(commandOf(tricky))).toEqual([
      ...["nightferry", "submit", "--nights", "2025-09-01..2025-09-05", "2026-03-22"],
      ...["--class", "SN candidate", "--class", "(TNS) SN Ia", "--class", "!AGN"],
      "--where=-1 < x AND y = 'it''s $HOME `id`'",
      ...["--content", "Light packet", "--limit", "1000", "--alerts-per-second", "100", "--name", "a\\b"],
    ]);
  });
  test("hands the document to curl as it is", () => {
    const sent = words(curlOf({ ...request, name: "it's" }, "http://127.0.0.1:8642/v1/"));
    expect(sent.slice(0, 4)).toEqual(["curl", "-X", "POST", "http://127.0.0.1:8642/v1/jobs"]);
    expect(JSON.parse(sent.at(-1)!)).toEqual({ ...request, name: "it's" });
  });
});
