"""Names that people give themselves and their organizations, where others read them."""

from __future__ import annotations

import re
import unicodedata

from switchboard.kit.text import UNSAFE

#: The longest name of a person that is kept, and the longest name that a mail shows.
LONGEST, LONGEST_IN_MAIL = 200, 60
#: A dot that a mail program may take for a part of an address: the next character goes on without a space.
_DOT = re.compile(r"[.\u3002](?=[^\s.,;:!?)\]\"'])")
_HTTP = re.compile("http", re.IGNORECASE)


def one_line(name: str) -> str:
    """A name of another system's as one visible line of at most `LONGEST` characters."""
    return " ".join(UNSAFE.sub(" ", name).split())[:LONGEST].rstrip()


def harmless(name: str) -> str:
    """A stranger's name for a mail of ours: one short line that no mail program shows as a link.

    Dots inside a word and `http` are written the way that security reports write them: `evil[.]example`, `hxxps`.
    """
    # Fullwidth letters and dots lead where the plain ones lead.
    plain = unicodedata.normalize("NFKC", name)
    visible = (" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in plain)
    text = "".join(one for one in visible if not unicodedata.category(one).startswith("C"))
    text = _HTTP.sub("hxxp", _DOT.sub("[.]", " ".join(text.split()))).replace("://", "[:]//")
    return text if len(text) <= LONGEST_IN_MAIL else text[: LONGEST_IN_MAIL - 1].rstrip() + "…"
