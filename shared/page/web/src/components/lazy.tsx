import { type ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

/** A component whose code is fetched when it is first shown; `waiting` holds its place until then. */
export function lazy<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  waiting: ComponentType<Props> = Waiting,
): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined;
  return function Lazy(props: Props) {
    const [Shown, show] = useState<ComponentType<Props> | undefined>(() => loaded);
    const [failed, fail] = useState(false);
    useEffect(() => {
      if (loaded) return;
      load().then(
        (component) => {
          loaded = component;
          show(() => component);
        },
        () => fail(true),
      );
    }, []);
    if (failed) return <p class="notice bad">A part of the page did not arrive. Load the page again.</p>;
    const Waits = waiting;
    return Shown ? <Shown {...props} /> : <Waits {...props} />;
  };
}

function Waiting() {
  return <p class="waiting">Loading</p>;
}
