"""The page, through API Gateway."""

import re
import urllib.request

from conftest import Stack

import pytest

KINDS = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}


def names_in(page: str) -> list[str]:
    """The files that a page names, relative to itself."""
    return [name for name in re.findall(r'(?:src|href)="([^"#:]+)"', page) if name.rsplit(".", 1)[-1] in KINDS]


def test_the_page_comes_with_the_files_that_it_names(stack: Stack) -> None:
    status, headers, page = stack.file()
    assert (status, headers["Content-Type"]) == (200, KINDS["html"])
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    names = names_in(page)
    assert [name for name in names if "assets/" in name and name.endswith(".js")], f"the page was not built: {page}"
    # Below the stage: what begins with a slash would be looked for beside it.
    assert not [name for name in names if name.startswith("/")]
    for name in names:
        status, headers, text = stack.file(name)
        assert (status, headers["Content-Type"]) == (200, KINDS[name.rsplit(".", 1)[-1]]), name
        assert "Content-Security-Policy" in headers and text, name
        # Most scripts and styles have names that follow from what is in them.
        hashed = re.search(r"-[\w-]{8}\.\w+$", name) is not None
        assert ("immutable" in headers["Cache-Control"]) == hashed, name


def test_who_comes_without_the_slash_is_led_to_the_page(stack: Stack) -> None:
    with urllib.request.urlopen(stack.outputs["PAGE"].rstrip("/")) as answer:
        assert answer.url == stack.outputs["PAGE"] and answer.headers["Content-Type"] == KINDS["html"]


@pytest.mark.parametrize("name", ["assets/none.js", "assets/none/none.css"])
def test_a_file_that_the_page_has_not_is_missing(stack: Stack, name: str) -> None:
    assert stack.file(name)[0] == 404
