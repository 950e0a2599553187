"""Progress on stderr."""

import sys
import time

last = 0.0


def say(text: str) -> None:
    """A line."""
    print(text, file=sys.stderr, flush=True)


def progress(what: str, done: int, of: str) -> None:
    """A line at most every other second."""
    global last
    if time.monotonic() - last >= 2:
        last = time.monotonic()
        say(f"{what}: {done:,} {of}")
