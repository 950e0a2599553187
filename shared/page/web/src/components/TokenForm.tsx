import { useState } from "preact/hooks";
import { token, tokenWanted, useToken } from "../token";

/** Asks for a token where the service answers only those who bear one. */
export function TokenForm() {
  const [text, write] = useState("");
  if (!tokenWanted.value) return null;
  const take = (event: Event) => {
    event.preventDefault();
    useToken(text);
    write("");
  };
  return (
    <form class="notice token" onSubmit={take}>
      <label for="token">
        {token()
          ? "The service does not take this token; it may have expired."
          : "This service wants to know who asks."}{" "}
        Paste a token of its user pool:
      </label>
      <input
        id="token"
        type="password"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => write(event.currentTarget.value)}
      />
      <button type="submit" class="primary" disabled={!text.trim()}>
        Use it
      </button>
      <p class="muted small">It stays in this tab and is sent to this service alone.</p>
    </form>
  );
}
