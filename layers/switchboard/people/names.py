"""Makes the names of people and organizations safe to show to others."""

from __future__ import annotations

import re
import unicodedata

from switchboard.kit.texts import UNSAFE_CHARACTERS

#: The longest stored name of a person, and the longest name in a mail, in characters.
MAX_NAME_CHARACTERS, MAX_MAIL_NAME_CHARACTERS = 200, 60
#: A dot that a mail program may read as part of an address, because no space follows.
_DOT = re.compile(r"[.\u3002](?=[^\s.,;:!?)\]\"'])")
_HTTP = re.compile("http", re.IGNORECASE)


def one_line(name: str) -> str:
    """Turns a name from another system into one visible line of at most `MAX_NAME_CHARACTERS` characters."""
    return " ".join(UNSAFE_CHARACTERS.sub(" ", name).split())[:MAX_NAME_CHARACTERS].rstrip()


def safe_for_mail(name: str) -> str:
    """Turns a stranger's name into one short line for a mail, in which no mail program finds a link.

    Dots inside a word and `http` are written as in security reports: `evil[.]example`, `hxxps`.
    """
    # Fullwidth letters and dots work in a link like the plain ones.
    plain = unicodedata.normalize("NFKC", name)
    visible = (" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in plain)
    text = "".join(one for one in visible if not unicodedata.category(one).startswith("C"))
    text = _HTTP.sub("hxxp", _DOT.sub("[.]", " ".join(text.split()))).replace("://", "[:]//")
    return text if len(text) <= MAX_MAIL_NAME_CHARACTERS else text[: MAX_MAIL_NAME_CHARACTERS - 1].rstrip() + "…"
