import { describe, expect, it } from "vitest";
import { download, finkTransfer, python, verify } from "./commands";

const TARGET = {
  survey: "ztf",
  topic: "ftransfer_ztf_2026-03-23_11487",
  bootstrap: "127.0.0.1:9092",
  api: "http://127.0.0.1:8642/",
};

describe("the ready commands", () => {
  it("name no place where the command line looks anyway", () => {
    expect(download(TARGET)).toBe("nightferry download ftransfer_ztf_2026-03-23_11487 --outdir alerts");
  });

  it("name the service and the broker that lie elsewhere", () => {
    const away = { ...TARGET, api: "https://example.org/prod/", bootstrap: "a.example.org:9094,b.example.org:9094" };
    expect(verify(away)).toBe(
      "nightferry verify ftransfer_ztf_2026-03-23_11487 --outdir alerts \\\n" +
        "    --api https://example.org/prod --bootstrap a.example.org:9094,b.example.org:9094",
    );
  });

  it("quote what a shell or Python would take for more than a word", () => {
    const odd = { ...TARGET, topic: `a"; rm -rf '$HOME'` };
    expect(finkTransfer(odd)).toContain(`-topic 'a"; rm -rf '\\''$HOME'\\'''`);
    expect(python(odd)).toContain(`TOPIC = "a\\"; rm -rf '$HOME'"`);
  });
});
