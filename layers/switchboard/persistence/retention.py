"""How long each kind of item is kept, how it ends, and why.

`KINDS` in `retention_rows.py` has a row for each kind of item in each table. A new kind needs a row there, and an
example in the retention test. The test fails for an item without a row, and for a row without an item.
`python -m infra.retention_page` writes docs/retention.md from these rows.

DynamoDB deletes an item by itself some hours, at most two days, after the time in the table's TTL attribute. That is
enough for every kind that ends by time, because its deletion needs no other work: no list, counter or search entry
depends on it. So no job looks for expired items.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property


class RetentionEnd(StrEnum):
    """How an item ends."""

    TTL = "TTL"
    #: A change deletes the item: somebody deletes the object, or the last counted object is deleted.
    CHANGE = "a change"
    ORGANIZATION = "with its organization"
    NEVER = "never"


#: People may sue under the Telephone Consumer Protection Act for four years (28 U.S.C. 1658). Records of calls and of
#: consent must be kept for five years (16 CFR 310.5).
FIVE_YEARS = timedelta(days=5 * 366)
#: The longest time for which tax and commercial laws commonly ask for books, for example § 147 of Germany's
#: Abgabenordnung, and article L123-22 of France's Code de commerce.
TEN_YEARS = timedelta(days=10 * 366)

#: The forms of key parts that distinguish kinds from one another. Other parts are any text without `#`, or any text.
_FORMS = {
    "org": r"org_\w+",
    "month": r"\d{4}-\d{2}",
    "day": r"\d{4}-\d{2}-\d{2}",
    "event": r"evt_\w+",
    "invite": r"inv_\w+",
    "seq": r"\d{12}",
    "block": r"\d{9}",
    "minute": r"\d+",
    "bucket…": r"(?!streams#|stream-pool#).+",
}


@dataclass(frozen=True)
class ItemKind:
    """A kind of item.

    `keys` is its key: `pk` and `sk` with a bar between them, or its `id`. `<name>` is a variable part of the key, and
    `<name…>` a variable part that may contain `#`. `life` is how long the item is kept after `since`, `None` if no time
    ends it. `ender` is how it ends, and `reason` why it is kept so long.
    """

    table: str
    what: str
    keys: str
    ender: RetentionEnd
    reason: str
    life: timedelta | None = None
    since: str = ""

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = re.split(r"<([^>]+)>", self.keys)
        made = [re.escape(part) if number % 2 == 0 else _form(part) for number, part in enumerate(parts)]
        return re.compile("".join(made))

    def matches(self, table: str, key: str) -> bool:
        """Whether an item with this key, in the form of `keys`, is of this kind."""
        return table == self.table and self._pattern.fullmatch(key) is not None


def _form(name: str) -> str:
    return _FORMS.get(name, ".+" if name.endswith("…") else "[^#|]+")
