"""Reads of calls for other nouns: references, places in lists, and what was said and done."""

from __future__ import annotations

from collections.abc import Sequence

from switchboard.aws.reads import Ref
from switchboard.calls import store
from switchboard.calls.models import DIRECTIONS, Direction, State
from switchboard.calls.store import call_ref, get_turns, list_tool_uses, list_turns

__all__ = ["call_ref", "get_turns", "list_tool_uses", "list_turns"]


def list_places(
    org_id: str,
    direction: Direction | None,
    states: Sequence[State],
    tag_key: str | None,
    limit: int,
    *,
    since: str | None,
    before: str | None,
) -> list[str]:
    """Returns the places of calls, the newest first (`store.list_place`).

    With a tag the places are those of its calls in every direction and state. `before` is the first place or time that
    is not in the range.
    """
    wanted: dict[str, list[str]] = {"tag": [tag_key]} if tag_key is not None else {}
    if tag_key is None:
        wanted["direction"] = [direction] if direction else list(DIRECTIONS)
        if states:
            wanted["state"] = [state.value for state in states]
    return store.LISTING.places(org_id, wanted, limit, since=since, before=before)


def sentiment_ref(org_id: str, call_id: str) -> Ref[str | None]:
    """Returns the reference to the mood of a call's talk, which is in the item of its summary."""
    key = {"pk": store.call_ref(org_id, call_id).key["pk"], "sk": "summary"}
    return Ref("activity", key, lambda item: item.get("sentiment"))
