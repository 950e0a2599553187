import { useEffect, useRef, useState } from "preact/hooks";

/** A button that puts a text on the clipboard and says that it did. */
export function CopyButton({ text, label = "Copy" }: { text: string | (() => string); label?: string }) {
  const [state, show] = useState<"" | "Copied" | "Not allowed">("");
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    const value = typeof text === "function" ? text() : text;
    show((await written(value)) ? "Copied" : "Not allowed");
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => show(""), 2000);
  };
  return (
    <>
      <button type="button" class="copy" onClick={copy}>
        <span class="sizer" aria-hidden="true">
          {label.length > 11 ? label : "Not allowed"}
        </span>
        <span class="said">{state || label}</span>
      </button>
      <span class="quiet-live" role="status">
        {state}
      </span>
    </>
  );
}

async function written(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    // Outside of a secure context only the older way works.
    const area = document.createElement("textarea");
    area.value = value;
    area.className = "quiet-live";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
