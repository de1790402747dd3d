"""The pages of the local provider. Their HTML is in the files beside this module."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

_HERE = Path(__file__).parent


def sign_in_page(email: str = "", name: str = "", *, unverified: bool = False, fault: str = "") -> str:
    """The form of a sign-in, with the person's input and what is wrong with it."""
    alert = f'<p role="alert">{escape(fault)}</p>' if fault else ""
    checked = " checked" if unverified else ""
    fields = {"alert": alert, "checked": checked, "email": escape(email), "name": escape(name)}
    return _page("Sign in", _fill("sign_in.html", **fields))


def message_page(title: str, text: str) -> str:
    """A page with a message and no links."""
    return _page(title, f"<p>{escape(text)}</p>")


def draw_picture(subject: str, name: str) -> str:
    """A person's picture as SVG: the first letter of the name or the address."""
    return _fill("picture.svg", hue=str(int(subject[:4], 16) % 360), letter=escape(name[:1].upper()))


def _page(title: str, body: str) -> str:
    return _fill("page.html", title=escape(title), body=body)


def _fill(file: str, **fields: str) -> str:
    return Template((_HERE / file).read_text()).substitute(fields)
