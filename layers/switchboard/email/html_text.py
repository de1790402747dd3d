"""Extracts plain text from an HTML mail. The HTML itself is stored unchanged."""

from __future__ import annotations

import html
import re

#: How many characters of the HTML are read, from its beginning.
_LONGEST = 400_000
_BLOCKS = frozenset("br p div tr li ul ol table h1 h2 h3 h4 h5 h6 blockquote section article hr pre".split())  # noqa: SIM905 as in a tag list
_UNSEEN = frozenset(("script", "style", "head", "title", "template"))
_NAME = re.compile(r"/?[A-Za-z][A-Za-z0-9]*")
_BLANKS = re.compile(r"[ \t\xa0]+")
_GAPS = re.compile(r"\n\s*\n\s*")


def plain_text(markup: str) -> str:
    """Returns approximately the visible text. One pass over the tags, so no nesting or missing tag makes it slow."""
    out: list[str] = []
    unseen: str | None = None
    comment = False
    markup = markup[:_LONGEST].replace("\r", "").replace("\n", " ")
    # An element without an end tag, or a self-closing element (`<head />`), hides nothing.
    lower = markup.lower()
    last = {name: lower.rfind(f"</{name}") for name in _UNSEEN}
    first, *tags = markup.split("<")
    place = len(first)
    out.append(first)
    for piece in tags:
        begin, place = place, place + 1 + len(piece)
        if comment:
            _, ended, text = piece.partition("-->")
            comment = not ended
            out.append(text if ended and not unseen else "")
            continue
        if piece.startswith("!--"):
            _, ended, text = piece.partition("-->")
            comment = not ended
            out.append(text if ended and not unseen else "")
            continue
        found = _NAME.match(piece)
        name = found[0].lower() if found else ""
        if unseen:
            # A body tag ends a head that is closed later or at another place.
            unseen = None if name == f"/{unseen}" or (unseen == "head" and name == "body") else unseen
        elif name in _UNSEEN and last[name] > begin and not piece.partition(">")[0].endswith("/"):
            unseen = name
        if unseen:
            continue
        if not name and not piece.startswith("!"):
            out.append(f"<{piece}")
            continue
        out.append("\n" if name.strip("/") in _BLOCKS else "")
        out.append(piece.partition(">")[2])
    text = html.unescape("".join(out))
    return _GAPS.sub("\n\n", "\n".join(_BLANKS.sub(" ", line).strip() for line in text.split("\n"))).strip()
