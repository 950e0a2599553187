import { signal } from "@preact/signals";

const KEY = "nightferry.token";

/** Whether the service has refused to answer whoever has no token, or this one. */
export const tokenWanted = signal(false);

/** Grows with each token that is taken: what was asked without it is asked anew. */
export const tokensTaken = signal(0);

/** The token that each request bears, where the service wants one. It is kept until the tab is closed. */
export function token(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return held;
  }
}

/** Without storage, until the page is left. */
let held: string | undefined;

/** Takes a token, pasted with or without the word before it. */
export function useToken(text: string) {
  held = text.trim().replace(/^bearer\s+/i, "") || undefined;
  try {
    if (held) sessionStorage.setItem(KEY, held);
    else sessionStorage.removeItem(KEY);
  } catch {
    // It holds until the page is left.
  }
  tokenWanted.value = false;
  tokensTaken.value++;
}
