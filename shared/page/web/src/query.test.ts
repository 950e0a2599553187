import { describe, expect, test } from "vitest";
import { linkOf, queryOf, requestOf } from "./query";
import type { JobRequest } from "./types";

describe("an address holds a whole query", () => {
  const requests: JobRequest[] = [
    { nights: ["2025-09-01..2025-09-05", "2026-03-22"] },
    { nights: ["7 days ago..yesterday"], classes: ["SN candidate", "(TNS) SN Ia", "!AGN", "EB*", "OH/IR*"] },
    { nights: ["2026-03-22"], conditions: "a < 1;\nb = '100%' AND c + 1 > 2; -- & so # on?" },
    { nights: ["2026-03-22"], content: ["objectId", "candidate.jd"], limit: 1000, test: true, name: "ünï=&" },
    { nights: ["2026-03-22"], content: "Full packet", survey: "lsst", partitions: 3, pace: { alerts_per_second: 100 } },
  ];
  test.each(requests)("%j", (request) => {
    const { query } = /^#\/\?(?<query>.*)$/s.exec(linkOf(request))!.groups!;
    expect(requestOf(query!)).toEqual(request);
  });

  test("it stays readable", () => {
    expect(queryOf({ nights: ["2025-09-01..2025-09-05", "2026-03-22"], classes: ["(TNS) SN Ia"] })).toBe(
      "nights=2025-09-01..2025-09-05,2026-03-22&class=(TNS)+SN+Ia",
    );
  });

  test("an address without a query names no request", () => {
    expect(requestOf("")).toBeUndefined();
  });
});
