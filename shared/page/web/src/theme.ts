import { signal } from "@preact/signals";

export type Theme = "system" | "dark" | "light";

const KEY = "nightferry.theme";

/** The theme that the user chose; `system` follows the system. */
export const theme = signal<Theme>(remembered());

/** Sets the theme and remembers it. */
export function choose(value: Theme) {
  theme.value = value;
  if (value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
  try {
    if (value === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, value);
  } catch {
    // Without storage the choice holds until the page is left.
  }
}

function remembered(): Theme {
  const value = document.documentElement.dataset.theme;
  return value === "dark" || value === "light" ? value : "system";
}
