import { useEffect, useState } from "preact/hooks";
import { apiUrl } from "../api";
import { CopyButton } from "../components/CopyButton";
import { linkOf } from "../query";
import { request } from "./draft";
import { token } from "../token";
import { commandOf, curlOf, yamlOf } from "./documents";

const WAYS = ["Command line", "YAML", "curl", "Link"] as const;

/** The same request for other places: a file, a terminal, a script, a colleague. */
export function Same() {
  const [way, turn] = useState<(typeof WAYS)[number]>("Command line");
  const [yaml, write] = useState("");
  const now = request.value;
  useEffect(() => {
    let current = true;
    if (way === "YAML") void yamlOf(now).then((text) => current && write(text));
    return () => void (current = false);
  }, [now, way]);
  const text =
    way === "YAML"
      ? yaml
      : way === "curl"
        ? curlOf(now, apiUrl, token() !== undefined)
        : way === "Link"
          ? location.href.split("#")[0] + linkOf(now)
          : commandOf(now, apiUrl);
  return (
    <section class="card same" aria-labelledby="same-title">
      <header>
        <h2 id="same-title">The same request</h2>
        <div class="segments" role="group" aria-label="Written as">
          {WAYS.map((each) => (
            <button key={each} type="button" aria-pressed={way === each} onClick={() => turn(each)}>
              {each}
            </button>
          ))}
        </div>
        <CopyButton text={text} />
      </header>
      <pre class="code" role="region" tabIndex={0} aria-label={`The request as ${way}`}>
        {text}
      </pre>
    </section>
  );
}
