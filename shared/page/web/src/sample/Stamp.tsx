import { useEffect, useRef, useState } from "preact/hooks";
import { readStamp } from "./fits";
import { shades } from "./stretch";

/** A cutout, drawn as the sky is seen: bright is bright, the file's first row at the bottom. */
export function Stamp({ data, label }: { data: string; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [trouble, tell] = useState("");
  useEffect(() => {
    let current = true;
    tell("");
    readStamp(data).then(
      (image) => {
        const element = canvas.current;
        if (!current || !element) return;
        const { width, height, rgba } = shades(image);
        element.width = width;
        element.height = height;
        element.getContext("2d")?.putImageData(new ImageData(rgba, width, height), 0, 0);
      },
      (error: Error) => current && tell(error.message),
    );
    return () => {
      current = false;
    };
  }, [data]);
  return (
    <span class="stamp">
      <canvas ref={canvas} width="63" height="63" role="img" aria-label={trouble ? `${label}: ${trouble}` : label} />
      {trouble && label && <span class="trouble">cannot be shown: {trouble}</span>}
    </span>
  );
}
