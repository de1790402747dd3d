"""The names of events from outside: `external.<slug>`, and the filters that match them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from switchboard.errors import Invalid

#: The category of all events from outside.
PREFIX = "external"
#: The longest slug, in characters. The contract accepts a text of this length.
MAX_SLUG_CHARACTERS = 120
#: The longest filter of an event.
MAX_FILTER_CHARACTERS = len(PREFIX) + 1 + MAX_SLUG_CHARACTERS
_BETWEEN = re.compile("[^a-z0-9]+")
_FILTER = re.compile(rf"{PREFIX}(\.[a-z0-9]+)*(\.\*)?")
#: Latin letters that Unicode does not split into a letter and an accent.
_PLAIN = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "\u0131": "i", "ŧ": "t"}
)


def normalize_event_type(text: str) -> str:
    """Returns the name of an event: `GitHub issue opened` becomes `external.github.issue.opened`.

    Letters lose their case and accents, and each run of other characters becomes a dot. A text that is already such a
    name stays as it is. Raises Invalid for a text without Latin letters and digits, and for a long one.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN)
    bare = "".join(one for one in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(one))
    words = [word for word in _BETWEEN.split(bare) if word]
    if words[:1] == [PREFIX]:
        words = words[1:]
    slug = ".".join(words)
    if not slug:
        raise _invalid("needs a Latin letter or a digit, for example GitHub issue opened")
    if len(slug) > MAX_SLUG_CHARACTERS:
        raise _invalid(f"has more than {MAX_SLUG_CHARACTERS} characters in its normal form: shorten it")
    return f"{PREFIX}.{slug}"


def _invalid(problem: str) -> Invalid:
    return Invalid(f"Invalid event type: it {problem}.", code="invalid_event_type", fields={"event_type": problem})


def is_filter(text: str) -> bool:
    """Whether a text is the name of an event from outside, or a filter such as `external.*`, `external.github.*`."""
    return text != PREFIX and len(text) <= MAX_FILTER_CHARACTERS and _FILTER.fullmatch(text) is not None


def matches_any(filters: Sequence[str], name: str) -> bool:
    """Whether the name of an event matches one of the filters."""
    return any(one == name or (one.endswith(".*") and name.startswith(one[:-1])) for one in filters)
