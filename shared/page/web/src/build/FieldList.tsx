import { useMemo, useState } from "preact/hooks";
import type { ArchiveField } from "../api";
import { count } from "../format";

interface FieldListProps {
  fields: ArchiveField[];
  /** The fields that are chosen; without, the list is only to read. */
  chosen?: ReadonlySet<string>;
  toggle?: (field: string) => void;
}

/** Fields with type, unit and meaning, searchable by all of these; to choose from, or to read. */
export function FieldList({ fields, chosen, toggle }: FieldListProps) {
  const [words, search] = useState("");
  const known = useMemo(() => new Set(fields.map((field) => field.field)), [fields]);
  // A list of fields takes leaves and lists; what lies in lists cannot be named alone.
  const usable = useMemo(() => (chosen ? fields.filter((field) => field.can_be_named) : fields), [fields, !chosen]);
  const found = useMemo(() => {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    return usable.filter((field) => {
      const text = `${field.field} ${field.type} ${field.unit} ${field.description}`.toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
  }, [usable, words]);
  const foreign = chosen ? [...chosen].filter((field) => !known.has(field)) : [];
  return (
    <div class="fields">
      <div class="find">
        <input
          type="search"
          aria-label="Search the fields"
          placeholder="Search name, unit, meaning"
          value={words}
          onInput={(event) => search(event.currentTarget.value)}
        />
        <span class="muted small" role="status">
          {count(found.length)} of {count(usable.length)} fields{chosen ? `, ${count(chosen.size)} chosen` : ""}
        </span>
      </div>
      <ul tabIndex={toggle ? undefined : 0} aria-label="Fields">
        {foreign.map((field) => (
          <Field key={field} name={field} kind="" meaning="Not a field of the archive" chosen toggle={toggle} />
        ))}
        {found.map((field) => (
          <Field
            key={field.field}
            name={field.field}
            kind={[field.type, field.unit].filter(Boolean).join(", ")}
            meaning={field.description}
            lacking={field.lacking}
            chosen={chosen?.has(field.field) ?? false}
            toggle={toggle}
          />
        ))}
      </ul>
    </div>
  );
}

interface FieldProps {
  name: string;
  kind: string;
  meaning: string;
  lacking?: string[];
  chosen: boolean;
  toggle: ((field: string) => void) | undefined;
}

function Field({ name, kind, meaning, lacking = [], chosen, toggle }: FieldProps) {
  const told = (
    <>
      <code class={name.includes(".") ? "leaf" : ""}>{name}</code>
      <span class="kind muted">{kind}</span>
      <span class="meaning">
        {meaning}
        {lacking.length > 0 && (
          <span class="muted">
            {" "}
            Lacking in {lacking.slice(0, 3).join(", ")}
            {lacking.length > 3 ? " and more" : ""}.
          </span>
        )}
      </span>
    </>
  );
  if (!toggle) return <li>{told}</li>;
  return (
    <li>
      <label>
        <input type="checkbox" checked={chosen} onChange={() => toggle(name)} />
        {told}
      </label>
    </li>
  );
}
