"""Progress on stderr."""

import sys
import time

last = 0.0


def say(text: str) -> None:
    """A line."""
    print(text, file=sys.stderr, flush=True)


def progress(what: str, done: int, whole: int, of: str) -> None:
    """A line at most every other second, and one at the end."""
    global last
    if done < whole and time.monotonic() - last < 2:
        return
    last = time.monotonic()
    say(f"{what}: {done:,} of {whole:,} {of}")
