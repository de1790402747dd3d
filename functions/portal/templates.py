"""Renders the portal's HTML pages from the files in `pages/`. Every value is escaped.

Links are relative, so the pages also work below the path of a stage.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from functions.portal import files

_FOLDER = Path(__file__).parent / "pages"
#: The pages of the header. People without a session see the first two and the console, which asks them to sign in.
_NAVIGATION = {"docs": "Documentation"}
_CONSOLE_NAVIGATION: dict[str, str] = {}


class NavigationEntry(NamedTuple):
    """A link of the header."""

    path: str
    label: str
    current: bool


def render_page(template: str, path: str, *, title: str, has_session: bool = False, **values: Any) -> str:
    """Returns the page at `path` as HTML. `has_session` says whether the browser sent a session cookie."""
    root = relative_root(path)
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            root=root,
            asset=lambda name: asset_link(root, name),
            navigation=_navigation(path, has_session=has_session),
            has_session=has_session,
            # The home page is for people who have not signed in: after the sign-in the console is more useful.
            return_to="/console" if path.strip("/") in ("", "signed-out", "sign-in-failed") else path,
            **values,
        )
    )


def relative_root(path: str) -> str:
    """Returns the relative link from a page to the home page."""
    return "../" * (path.count("/") - 1) or "./"


def asset_link(root: str, name: str) -> str:
    """Returns the link to an asset. It contains the digest of the content, so that browsers may keep the file."""
    file = files.find_asset(name)
    assert file is not None, f"functions/portal/assets has no {name}"
    return f"{root}docs/assets/{name}?v={file.digest}"


def _navigation(path: str, *, has_session: bool) -> list[NavigationEntry]:
    shown = _NAVIGATION | (_CONSOLE_NAVIGATION if has_session else {})
    here = path.strip("/")
    best = max((entry for entry in shown if f"{here}/".startswith(f"{entry}/")), key=len, default=None)
    return [NavigationEntry(entry, label, entry == best) for entry, label in shown.items()]


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        # The files do not change while a function runs.
        auto_reload=False,
    )
