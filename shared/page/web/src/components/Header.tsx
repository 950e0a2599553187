import type { Route } from "../router";
import { choose, theme, type Theme } from "../theme";

const THEMES: [Theme, string, string][] = [
  ["system", "Theme of the system", "M12 4v16a8 8 0 0 0 0-16zM12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20z"],
  [
    "light",
    "Light theme",
    "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM11 1h2v4h-2zM11 19h2v4h-2zM1 11h4v2H1zM19 11h4v2h-4zM4.2 5.6l1.4-1.4 2.8 2.8L7 8.4zM15.6 17l1.4-1.4 2.8 2.8-1.4 1.4zM4.2 18.4 7 15.6 8.4 17l-2.8 2.8zM15.6 7l2.8-2.8 1.4 1.4L17 8.4z",
  ],
  ["dark", "Dark theme", "M20.5 14.6A9 9 0 0 1 9.4 3.5a9 9 0 1 0 11.1 11.1z"],
];

/** The name, the ways to the views, and the switch of the theme. */
export function Header({ view }: { view: Route["view"] }) {
  return (
    <header class="top">
      <a class="brand" href="#/" aria-label="nightferry, start">
        <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
          <path class="hull" d="M3 20h26l-4 7H7z" />
          <path class="sail" d="M15.2 18V4.5L26 18z" />
          <circle class="star" cx="7.5" cy="8" r="1.5" />
        </svg>
        <span>nightferry</span>
      </a>
      <nav aria-label="Views">
        <a href="#/" aria-current={view === "build" ? "page" : undefined}>
          New job
        </a>
        <a href="#/jobs" aria-current={view === "build" ? undefined : "page"}>
          Jobs
        </a>
      </nav>
      <div class="themes" role="group" aria-label="Theme">
        {THEMES.map(([value, label, path]) => (
          <button
            key={value}
            type="button"
            aria-label={label}
            title={label}
            aria-pressed={theme.value === value}
            onClick={() => choose(value)}
          >
            <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true">
              <path fill-rule="evenodd" d={path} />
            </svg>
          </button>
        ))}
      </div>
    </header>
  );
}
