import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { said } from "../api";
import { bytes, count } from "../format";
import { queryOf, linkOf } from "../query";
import { replaceAddress, route } from "../router";
import { askService, service } from "../service";
import { days, lookAtArchive, trouble } from "./archive";
import "./build.css";
import { Classes } from "./Classes";
import { Conditions } from "./Conditions";
import { Content } from "./Content";
import { requestFromText } from "./documents";
import { change, draft, fill, fillFromAddress, request } from "./draft";
import { estimate, keepEstimating, otherProblems, stale } from "./estimating";
import { Figures } from "./Figures";
import { More } from "./More";
import { Nights } from "./Nights";
import { entriesFor } from "./nights";
import { Problems } from "./Problems";
import { Same } from "./Same";
import { Submit } from "./Submit";

/** So many of the archive's latest nights are chosen at first. */
const FIRST_NIGHTS = 7;

/** What the address last held, so that only others' changes to it are read. */
let written: string | undefined;

/** Builds a query and shows what it would bring. */
export default function BuildPage() {
  const query = route.value.view === "build" ? route.value.query : "";

  useEffect(() => {
    if (query && query !== written && fillFromAddress(query)) written = query;
    // The address without a query is the way back to the one that is being built.
    else if (!query && draft.peek().nights.length) replaceAddress(linkOf(request.peek()));
  }, [query]);

  useEffect(() => {
    void askService();
    void lookAtArchive().then(() => {
      // Figures to begin with: the latest nights, unless a link or an earlier visit says otherwise.
      if (!draft.peek().nights.length && written === undefined) {
        change({ nights: entriesFor(new Set(days.peek().slice(-FIRST_NIGHTS)), days.peek()) });
      }
    });
    const endWriting = effect(() => {
      const text = queryOf(request.value);
      if (!request.value.nights.length && text === written) return;
      if (!request.value.nights.length && written === undefined) return;
      written = text;
      replaceAddress(linkOf(request.value));
    });
    const endEstimating = keepEstimating();
    return () => (endWriting(), endEstimating());
  }, []);

  return (
    <FileDrop>
      {trouble.value && (
        <p class="notice bad" role="alert">
          The archive cannot be looked at: {trouble.value}{" "}
          <button type="button" onClick={() => void lookAtArchive()}>
            Try again
          </button>
        </p>
      )}
      <div class="build">
        <div class="parts">
          <Nights />
          <Classes />
          <Conditions />
          <Content />
          <More />
        </div>
        <Figures />
        <Same />
      </div>
      <PhoneBar />
    </FileDrop>
  );
}

/** The heading, with the survey and the way to fill the page from a file, which may also be dropped anywhere. */
function FileDrop({ children }: { children: preact.ComponentChildren }) {
  const [over, hover] = useState(false);
  const [note, say] = useState<{ text: string; bad: boolean } | undefined>(undefined);
  const input = useRef<HTMLInputElement>(null);
  const read = async (file: File | undefined) => {
    if (!file) return;
    try {
      if (file.size > 1_000_000) throw new Error("it is larger than 1 MB");
      fill(await requestFromText(await file.text()));
      say({ text: `Filled from ${file.name}.`, bad: false });
    } catch (error) {
      say({ text: `${file.name} cannot be taken: ${said(error)}`, bad: true });
    }
  };
  useEffect(() => {
    // Wherever on the page a file is dropped, the browser must not leave for it.
    const holds = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const onDrag = (event: DragEvent) => {
      if (!holds(event)) return;
      event.preventDefault();
      hover(true);
    };
    const onLeave = (event: DragEvent) => event.relatedTarget === null && hover(false);
    const onDrop = (event: DragEvent) => {
      if (!holds(event)) return;
      event.preventDefault();
      hover(false);
      void read(event.dataTransfer?.files[0]);
    };
    addEventListener("dragover", onDrag);
    addEventListener("dragleave", onLeave);
    addEventListener("drop", onDrop);
    return () => {
      removeEventListener("dragover", onDrag);
      removeEventListener("dragleave", onLeave);
      removeEventListener("drop", onDrop);
    };
  }, []);
  return (
    <div class={over ? "drop over" : "drop"}>
      <div class="heading">
        <h1>New job</h1>
        <Surveys />
        <p class={note?.bad ? "note bad" : "note muted"} role="status">
          {note?.text}
        </p>
        <input
          ref={input}
          type="file"
          class="quiet-live"
          tabIndex={-1}
          aria-hidden="true"
          accept=".yaml,.yml,.json,application/json,application/yaml"
          onChange={(event) => {
            void read(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
        <button
          type="button"
          title="YAML or JSON; it may also be dropped on the page"
          onClick={() => input.current?.click()}
        >
          Open a file
        </button>
        <button type="button" class="plain" onClick={() => (say(undefined), fill({ nights: draft.peek().nights }))}>
          Reset
        </button>
      </div>
      {children}
    </div>
  );
}

const SURVEYS = { ztf: "ZTF", lsst: "LSST" };

/** The telescope, as far as there is a choice. */
function Surveys() {
  const offered = service.value?.surveys ?? ["ztf"];
  const chosen = draft.value.survey;
  const shown = offered.includes(chosen) ? offered : [...offered, chosen];
  return (
    <div class="segments" role="group" aria-label="Survey">
      {shown.map((survey) => (
        <button key={survey} type="button" aria-pressed={survey === chosen} onClick={() => change({ survey })}>
          {SURVEYS[survey] ?? survey}
        </button>
      ))}
    </div>
  );
}

/** On a phone the figures are below; this keeps the sum and the button in view. */
function PhoneBar() {
  const now = estimate.value;
  return (
    <div class={`phone-bar${stale.value ? " stale" : ""}`}>
      <p>
        <b>{now ? count(now.alerts) : "–"}</b> alerts
        <br />
        <span class="muted small">{now?.bytes ? bytes(now.bytes) : "\u00a0"}</span>
      </p>
      <Problems of={otherProblems.value} />
      <Submit />
    </div>
  );
}
