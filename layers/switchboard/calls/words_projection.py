"""Projects the summaries of calls to the search index, from the events that come with a summary.

| item in `core` | pk | sk |
|---|---|---|
| entry of a summary's word | `<org>#find#call-summary#<character>` | `<token>#<call id>#head` |

An entry only points at a call. The present summary decides whether the call matches.
"""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Put, Writes
from switchboard.calls import store
from switchboard.calls.models import Call
from switchboard.events.models import Event
from switchboard.search import index, tokens
from switchboard.search.index import SearchNoun

_NOUN = SearchNoun("core", "call-summary")
#: The words of a summary that are indexed: the first ones, as many as one commit takes.
MAX_WORDS = 80


def summary_tokens(call: Call) -> list[str]:
    """Returns the words of a call's summary that are searched, each once."""
    return tokens.tokens_of_text(call.summary)[:MAX_WORDS]


def find_calls_by_summary(org_id: str, word: str, limit: int) -> list[str] | None:
    """Returns the ids of all calls with a word in their summary, `None` if there are more than about `limit`."""
    return index.find_subjects(_NOUN, org_id, word, limit)


def project(event: Event) -> tuple[str, Writes] | None:
    """Returns the call's id, and the writes of its summary's words."""
    call = store.CALLS.get_object(event.org_id, event.subject.id)
    if call is None or not call.summary:
        return None
    return call.id, [Put(table="core", item=item) for item in summary_items(call)]


def summary_items(call: Call) -> list[Item]:
    """Returns the entries of a summary's words in the search index."""
    return [index.entry_write(_NOUN, call.org_id, call.id, "head", word).item for word in summary_tokens(call)]


def subjects(org_id: str) -> Iterator[str]:  # noqa: ARG001 the list of applied events has all subjects
    """Returns nothing: each indexed call has an applied event."""
    return iter(())


def removal_writes(org_id: str, call_id: str) -> Writes:
    """Returns the writes that remove the words of a call's summary."""
    call = store.CALLS.get_object(org_id, call_id)
    words = summary_tokens(call) if call else []
    return [index.entry_delete_write(_NOUN, org_id, call_id, "head", word) for word in words] or None
