"""The end of a page of a filtered list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from switchboard.persistence.page_cuts import cut_page, looked_at
from tests.unit.properties import example_settings


@example_settings(200)
@given(st.lists(st.booleans(), max_size=130), st.integers(1, 60))
def test_pages_show_each_object_once_and_the_last_one_ends_the_list(matches: list[bool], limit: int) -> None:
    start, shown, empty = 0, list[int](), 0
    while True:
        end = start + looked_at(limit)
        looked = range(start, min(end, len(matches)))
        cut = cut_page(looked, lambda place: matches[place], limit, more=end < len(matches))
        assert len(cut.shown) <= limit
        shown += cut.shown
        if cut.last is None:
            break
        # Only objects beyond those that the page looked at are unknown.
        empty += not any(matches[cut.last + 1 : end])
        start = cut.last + 1
    assert shown == [place for place, fits in enumerate(matches) if fits]
    assert empty <= len(matches) // looked_at(limit)
