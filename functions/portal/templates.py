"""Renders the portal's HTML pages from the files in `pages/`. Every value is escaped.

Links are relative, so the pages also work below the path of a stage.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from functions.portal import files
from switchboard.edge.landing import relative_root

_FOLDER = Path(__file__).parent / "pages"
_CODE = re.compile("`([^`]+)`")
#: The pages of the header. People without a session see the first two and the console, which asks them to sign in.
_NAVIGATION = {"docs": "Documentation", "console": "Console"}
_CONSOLE_NAVIGATION = {"console/webhooks": "Webhooks", "console/events": "Events"}


class NavigationEntry(NamedTuple):
    """A link of the header."""

    path: str
    label: str
    current: bool


def render_page(template: str, path: str, *, title: str, has_session: bool = False, **values: Any) -> str:
    """Returns the page at `path` as HTML.

    `template` is the name of a file in `pages/`, or the text of a template. `has_session` says whether the browser sent
    a session cookie.
    """
    root, environment = relative_root(path), _environment()
    is_file = template.endswith(".html")
    return (environment.get_template(template) if is_file else environment.from_string(template)).render(
        title=title,
        root=root,
        asset=lambda name: asset_link(root, name),
        navigation=_navigation(path, has_session=has_session),
        has_session=has_session,
        # The home page is for people who have not signed in: after the sign-in the console is more useful.
        return_to="/console" if path.strip("/") in ("", "signed-out", "sign-in-failed") else path,
        **values,
    )


def asset_link(root: str, name: str) -> str:
    """Returns the link to an asset. It contains the digest of the content, so that browsers may keep the file."""
    file = files.find_asset(name)
    assert file is not None, (
        f"there is no asset {name}: add it to functions/portal/assets, or run `python -m infra.renderer`"
    )
    return f"{root}docs/assets/{name}?v={file.digest}"


def _navigation(path: str, *, has_session: bool) -> list[NavigationEntry]:
    shown = _NAVIGATION | (_CONSOLE_NAVIGATION if has_session else {})
    here = path.strip("/")
    best = max((entry for entry in shown if f"{here}/".startswith(f"{entry}/")), key=len, default=None)
    return [NavigationEntry(entry, label, entry == best) for entry, label in shown.items()]


def mark_code(text: str) -> Markup:
    """Returns a text as HTML. Words between backticks become code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 everything is escaped


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        # The files do not change while a function runs.
        auto_reload=False,
    )
    made.filters["mark_code"] = mark_code
    return made
