import { useEffect, useMemo, useState } from "preact/hooks";
import { api, type ArchiveField } from "../api";
import { Pages } from "../components/Pager";
import { count } from "../format";
import { fieldsOf, matching } from "./fields";

let asked: Promise<Map<string, ArchiveField>> | undefined;

/** What the archive tells of its fields, asked once. */
function meanings(): Promise<Map<string, ArchiveField>> {
  asked ??= api.schema().then(
    ({ fields }) => new Map(fields.map((field) => [field.field, field])),
    () => {
      asked = undefined;
      return new Map<string, ArchiveField>();
    },
  );
  return asked;
}

/** The archive's word for a field of an alert: without positions in lists, and where packets move it to, under `candidate`. */
function meaningOf(known: Map<string, ArchiveField>, name: string): ArchiveField | undefined {
  const plain = name.replace(/\[\d+\]/g, "");
  return known.get(plain) ?? known.get(`candidate.${plain}`);
}

/** All fields of an alert with value, unit and meaning, searchable. */
export function Fields({ alert }: { alert: Record<string, unknown> }) {
  const [search, look] = useState("");
  const [known, learn] = useState<Map<string, ArchiveField>>(new Map());
  useEffect(() => void meanings().then(learn), []);
  const fields = useMemo(() => fieldsOf(alert), [alert]);
  const found = useMemo(() => matching(fields, search), [fields, search]);
  return (
    <div class="leaves">
      <div class="seek">
        <label class="quiet-live" for="find-field">
          Search the fields of this alert
        </label>
        <input
          id="find-field"
          type="search"
          placeholder="Search fields and values"
          value={search}
          onInput={(event) => look(event.currentTarget.value)}
        />
        <span class="muted small" role="status">
          {found.length === fields.length ? count(fields.length) : `${count(found.length)} of ${count(fields.length)}`}{" "}
          fields
        </span>
      </div>
      <Pages
        key={search}
        rows={found}
        size={100}
        label="The fields of the alert"
        head={
          <tr>
            <th scope="col">field</th>
            <th scope="col" class="word">
              value
            </th>
            <th scope="col" class="word meaning">
              meaning
            </th>
          </tr>
        }
        row={({ name, text, isNull }) => {
          const meaning = meaningOf(known, name);
          return (
            <tr key={name}>
              <th scope="row" class="mono">
                {name}
              </th>
              <td class={`word mono${isNull ? " muted" : ""}`}>
                {text}
                {meaning?.unit && !isNull && <span class="muted"> {meaning.unit}</span>}
              </td>
              <td class="word meaning muted" title={meaning?.description}>
                {meaning?.description}
              </td>
            </tr>
          );
        }}
      />
    </div>
  );
}
