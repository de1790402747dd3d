"""Reads of calls for other nouns: references, places in lists, and what was said and done."""

from __future__ import annotations

from switchboard.aws.reads import Ref
from switchboard.calls import store
from switchboard.calls.lengths import fit_turns
from switchboard.calls.store import (
    call_ref,
    get_turns,
    list_places,
    list_places_of_tag,
    list_tool_uses,
    list_turns,
)

__all__ = ["call_ref", "fit_turns", "get_turns", "list_places", "list_places_of_tag", "list_tool_uses", "list_turns"]


def sentiment_ref(org_id: str, call_id: str) -> Ref[str | None]:
    """Returns the reference to the mood of a call's talk, which is in the item of its summary."""
    key = {"pk": store.call_ref(org_id, call_id).key["pk"], "sk": "summary"}
    return Ref("activity", key, lambda item: item.get("sentiment"))
