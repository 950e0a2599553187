import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import "./style.css";
import { lazy } from "./components/lazy";
import { Header } from "./components/Header";
import { TokenForm } from "./components/TokenForm";
import BuildPage from "./build/BuildPage";
import { route } from "./router";
import { tokensTaken } from "./token";

const JobsPage = lazy(() => import("./jobs/JobsPage").then((module) => module.default));
const JobPage = lazy(() => import("./job/JobPage").then((module) => module.default));

const TITLES = { build: "New job", jobs: "Jobs", job: "Job" };

function Page() {
  const shown = route.value;
  const taken = tokensTaken.value;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const place = shown.view === "job" ? shown.id : shown.view;
  useEffect(() => {
    document.title = `${TITLES[shown.view]} · nightferry`;
    // Whoever follows a link with a screen reader or the keyboard goes on at the new view.
    if (!first.current) main.current?.focus({ preventScroll: true });
    if (!first.current) scrollTo(0, 0);
    first.current = false;
  }, [place]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to the content
      </a>
      <Header view={shown.view} />
      <main id="main" ref={main} tabIndex={-1}>
        <TokenForm />
        {shown.view === "build" && <BuildPage key={taken} />}
        {shown.view === "jobs" && <JobsPage key={taken} />}
        {shown.view === "job" && <JobPage key={`${shown.id} ${taken}`} id={shown.id} />}
      </main>
    </>
  );
}

render(<Page />, document.getElementById("page")!);
