"""The list of the things that a member has not read, the newest first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from switchboard.aws import reads
from switchboard.inbox import store
from switchboard.inbox.models import InboxThing, ReadState
from switchboard.kit.background import BackgroundTask
from switchboard.persistence import cursors

#: The things that one page looks at. A member may have read most of them, and then the page is short.
_WINDOW = 500
_FIRST, _LAST = " ", "~"


class UnreadPage(NamedTuple):
    """Unread things, the read state that they were chosen by, and the cursor of the next page."""

    things: list[InboxThing]
    state: ReadState
    cursor: str | None
    #: Returns the cursor of a page that ends earlier, after this place.
    cursor_after: Callable[[str], str | None]


def list_unread(
    org_id: str,
    kind: str,
    user_id: str,
    limit: int,
    after: str | None,
    *,
    since: str | None = None,
    before: str | None = None,
    also: str = "",
    state: ReadState | None = None,
) -> UnreadPage:
    """Returns a page of the things that a member has not read, the newest first, in one round trip of four requests.

    A caller that has read the member's `state` already saves one of them. `since` is the first time of the range, and
    `before` the first time after it. `also` names other filters that the cursor is bound to. A page may be short or
    empty without being the last. Raises Invalid for another list's cursor.
    """
    query = f"unread:{kind}:{user_id}:{since}:{before}:{also}"
    start = cursors.decode_cursor(after, org_id, query)
    first, end = since or _FIRST, str(start["place"]) if start else before or _LAST
    of_things = BackgroundTask(partial(store.read_places, org_id, kind, first, end, _WINDOW))
    of_flags = [
        BackgroundTask(partial(store.read_flags, org_id, kind, user_id, flag, first, end, _WINDOW))
        for flag in ("read", "unread")
    ]
    for task in (of_things, *of_flags):
        task.start()
    state = state or reads.read_ref(store.state_ref(org_id, kind, user_id)) or ReadState()
    things, (read, unread) = of_things.result(), [task.result() for task in of_flags]

    done = {_place_of_flag(item["sk"]) for item in read.items if store.flag_epoch(item) == state.epoch}
    open_ = [item["sk"] for item in things.items if item["sk"] not in done]
    # The part of the range that is known: below the last place of a page that is not the last, there may be more.
    known = max(
        (page.items[-1]["sk"] if page is things else _place_of_flag(page.items[-1]["sk"])) if page.next_key else first
        for page in (things, read)
    )
    mark = max(state.marked_at and state.marked_at + _LAST, first)
    later = [place for place in open_ if place >= known and place > mark and place < end]
    places, last = later, known
    if known <= mark:
        # All later things are known, so the flagged things follow.
        flagged = [_place_of_flag(item["sk"]) for item in unread.items if store.flag_epoch(item) == state.epoch]
        places = later + [place for place in flagged if place <= mark and place < end]
        last = _place_of_flag(unread.items[-1]["sk"]) if unread.next_key else first
    shown = places[:limit]
    if len(places) > limit:
        last = shown[-1]

    def cursor_after(place: str) -> str | None:
        return cursors.encode_cursor({"place": place} if place != first else None, org_id, query)

    hints = {item["sk"]: item.get("hint", "") for item in things.items}
    hints |= {_place_of_flag(item["sk"]): item.get("hint", "") for item in unread.items}
    things_shown = [InboxThing.of_place(place, hints[place]) for place in shown]
    return UnreadPage(things_shown, state, cursor_after(last), cursor_after)


def _place_of_flag(key: str) -> str:
    return key.partition("#")[2]
