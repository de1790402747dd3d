"""Projects the summaries of calls to the search index, from the events that come with a summary.

`search_entries` has the entries.
"""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Put, Writes
from switchboard.calls import search_entries, store
from switchboard.calls.models import Call
from switchboard.events.models import Event
from switchboard.search import tokens

#: The words of a summary that are indexed: the first ones, as many as one commit takes.
MAX_WORDS = 80


def summary_tokens(call: Call) -> list[str]:
    """Returns the words of a call's summary that are searched, each once."""
    return tokens.tokens_of_text(call.summary)[:MAX_WORDS]


def project(event: Event) -> tuple[str, Writes] | None:
    """Returns the call's id, and the writes of its summary's words."""
    call = store.CALLS.get_object(event.org_id, event.subject.id)
    if call is None or not call.summary:
        return None
    return call.id, [Put(table="core", item=item) for item in summary_items(call)]


def summary_items(call: Call) -> list[Item]:
    """Returns the entries of a summary's words in the search index."""
    return search_entries.summary_items(call, summary_tokens(call))


def subjects(org_id: str) -> Iterator[str]:  # noqa: ARG001 the list of applied events has all subjects
    """Returns nothing: each indexed call has an applied event."""
    return iter(())


def removal_writes(org_id: str, call_id: str) -> Writes:
    """Returns the writes that remove the words of a call's summary."""
    call = store.CALLS.get_object(org_id, call_id)
    return (search_entries.delete_summary_writes(call, summary_tokens(call)) or None) if call else None
