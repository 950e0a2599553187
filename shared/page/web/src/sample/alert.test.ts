import { describe, expect, it } from "vitest";
import { parseExact } from "./exact";
import { fieldsOf, matching } from "./fields";
import full from "./fixtures/history.json";
import { dateOf, lightcurve } from "./lightcurve";

// `full` is a real alert of 2024-04-03, its history shortened to the columns of a light curve (`fixtures/make.py`).

describe("a light curve", () => {
  it("of a full packet holds the history, its upper limits and the alert itself", () => {
    const points = lightcurve(full);
    expect(points.map((p) => p.kind)).toEqual([...Array<string>(8).fill("limit"), "detection", "detection"]);
    expect(points[0]).toMatchObject({ jd: 2460387.977963, magnitude: 19.843399047851562, band: "g", error: null });
    expect(points.at(-1)).toMatchObject({ magnitude: 17.377492904663086, band: "r", negative: true, own: true });
    expect(points.filter((p) => p.own)).toHaveLength(1);
  });

  it("of a light packet is its one measurement", () => {
    const light = { objectId: "ZTF18abrtufy", jd: 2460404.0, fid: 3, magpsf: 17.4, sigmapsf: 0.1 };
    expect(lightcurve(light)).toEqual([
      { jd: 2460404.0, magnitude: 17.4, error: 0.1, band: "i", kind: "detection", negative: false, own: true },
    ]);
  });

  it("of an alert without dates, or of nonsense, is empty", () => {
    for (const alert of [null, 7, [], { jd: "2460404" }, { prv_candidates: [null, { jd: 1 }, "x"] }, { candidate: [] }])
      expect(lightcurve(alert)).toEqual([]);
    expect(lightcurve({ jd: 2460404, diffmaglim: -999 })).toEqual([]);
    expect(lightcurve({ jd: 1e300, magpsf: 17 })).toEqual([]);
  });

  it("counts a Julian date in UTC", () => {
    // The Unix epoch and J2000.0 (12:00 on 2000-01-01).
    expect(dateOf(2440587.5).toISOString()).toBe("1970-01-01T00:00:00.000Z");
    expect(dateOf(2451545).toISOString()).toBe("2000-01-01T12:00:00.000Z");
  });
});

describe("the fields of an alert", () => {
  it("are named as conditions name them and found by name or value", () => {
    const fields = fieldsOf({ objectId: "ZTF18", candidate: { jd: 1.5, ssnamenr: null }, prv_candidates: [{ jd: 2 }] });
    expect(fields.map((f) => `${f.name}=${f.text}`)).toEqual([
      "objectId=ZTF18",
      "candidate.jd=1.5",
      "candidate.ssnamenr=null",
      "prv_candidates[0].jd=2",
    ]);
    expect(matching(fields, "CAND jd").map((f) => f.name)).toEqual(["candidate.jd", "prv_candidates[0].jd"]);
    expect(matching(fields, "ztf")).toHaveLength(1);
  });

  it("keep every digit of a candid", () => {
    const text = '{"candid":3352250201515015003,"s":"a 3352250201515015003 \\" 1","f":0.33522502015150153,"n":-12}';
    expect(parseExact(text)).toEqual({
      candid: "3352250201515015003",
      s: 'a 3352250201515015003 " 1',
      f: 0.33522502015150153,
      n: -12,
    });
  });
});
