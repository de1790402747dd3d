"""A page has a cursor only if entries follow, in every paged list of the four documents, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import httpx
import pytest

from tests.conftest import Stack
from tests.contract import world
from tests.contract.conftest import deliver_mail, inside
from tests.contract.every import Everyone, open_company
from tests.contract.world import Ask
from tests.integration.page_lists import FEWEST, FILLS, LISTS, PagedList, first_ask, read_page


@pytest.fixture(scope="module")
def every(stack: Stack, http: httpx.Client) -> Iterator[Everyone]:
    with inside(stack), world.rejecting_receiver():
        yield open_company(http, partial(deliver_mail, stack.home))


def test_every_paged_list_can_be_filled() -> None:
    assert {one.name for one in LISTS} == FILLS.keys(), "add a row to FILLS in tests/integration/page_lists.py"


@pytest.mark.parametrize("listed", LISTS, ids=lambda one: one.name)
def test_a_full_page_has_a_cursor_only_if_entries_follow(every: Everyone, listed: PagedList) -> None:
    ask = first_ask(every, listed)
    for _ in range(FEWEST):
        FILLS[listed.name](every, ask)
    # A worker may move an entry from a list to another while the pages are read.
    wait_until_no_fault(lambda: [fault for query in ({}, *listed.filters()) for fault in _faults(every, ask, query)])


def wait_until_no_fault(find_faults: Callable[[], list[str]], seconds: float = 20) -> None:
    """Repeats until there is no fault. A fault of the paging stays, so it fails the test."""
    deadline = time.monotonic() + seconds
    while faults := find_faults():
        assert time.monotonic() < deadline, faults
        time.sleep(0.5)


def _faults(every: Everyone, ask: Ask, query: dict[str, str]) -> Iterator[str]:
    whole = read_page(every, ask, limit="100", **query)
    number = len(whole.entries)
    if whole.cursor:
        yield f"{query}: a cursor after all {number} entries"
    if not query and number < FEWEST:
        yield f"{number} entries are too few"
    full = read_page(every, ask, limit=str(max(1, number)), **query)
    if len(full.entries) != number or full.cursor:
        yield f"{query}: {len(full.entries)} of {number} entries, cursor {bool(full.cursor)}"
    if number > 1:
        short = read_page(every, ask, limit=str(number - 1), **query)
        if len(short.entries) != number - 1 or not short.cursor:
            yield f"{query}: {len(short.entries)} entries at limit {number - 1}, cursor {bool(short.cursor)}"
            return
        rest = read_page(every, ask, limit=str(number - 1), cursor=short.cursor, **query)
        if len(rest.entries) != 1 or rest.cursor:
            yield f"{query}: rest {len(rest.entries)}, cursor {bool(rest.cursor)}"
