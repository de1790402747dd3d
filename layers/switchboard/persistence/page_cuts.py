"""Where a page of a filtered list ends, and whether another page follows.

A filter without an index is applied to objects that were read. Such a page looks at more objects than it shows. So it
knows whether another object with the filter follows, and the last page has no cursor. A page looks at a limited number
of objects, because all of them are read in one round trip. If none of them is the object after the page, and the list
is longer, the page has a cursor, and the next page may be empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

#: The objects that a page of a filtered list looks at, at least. One batch request reads up to a hundred.
_MIN_LOOKED_AT = 50

T = TypeVar("T")


class PageCut(NamedTuple, Generic[T]):
    """The objects of a page, and the object after which the next page continues (`None` at the end)."""

    shown: list[T]
    last: T | None


def looked_at(limit: int) -> int:
    """Returns the number of objects that a page of a filtered list looks at. It is more than `limit`."""
    return max(limit + 1, _MIN_LOOKED_AT)


def cut_page(looked: Sequence[T], fits: Callable[[T], bool], limit: int, *, more: bool) -> PageCut[T]:
    """Returns the first `limit` objects that fit. `more` says whether the list has objects after `looked`."""
    found = [one for one in looked if fits(one)]
    if len(found) > limit:
        return PageCut(found[:limit], found[limit - 1])
    return PageCut(found, looked[-1] if more and looked else None)
