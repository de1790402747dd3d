"""The filters of a list of calls, its rows, and the whole record of a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from switchboard.calls import numbers, words_projection
from switchboard.calls.inbox import AccessEntry
from switchboard.calls.models import Call, Direction, State, tag_key
from switchboard.calls.notes import CallNote
from switchboard.calls.recording_links import RecordingLink
from switchboard.calls.summaries import CallSummary
from switchboard.carriers.voice.ports.reports import ToolUse, Turn
from switchboard.contacts.models import Contact
from switchboard.search import tokens


class CallFilters(NamedTuple):
    """The filters of a list of calls. An empty filter selects every call.

    `since` is the first time of creation, and `before` the first time after the range. `unread` selects the calls that
    the reader has not read.
    """

    text: str | None = None
    direction: Direction | None = None
    states: Sequence[State] = ()
    tag: str | None = None
    unread: bool = False
    since: str | None = None
    before: str | None = None

    @property
    def words(self) -> list[str] | None:
        """The words of the text, the longest first. `None` without a text."""
        if self.text is None or not self.text.strip():
            return None
        return sorted(tokens.words_of_query(self.text), key=lambda word: (-len(word), word))

    @property
    def tag_key(self) -> str | None:
        """The name by which tags are compared."""
        return None if self.tag is None else tag_key(self.tag)

    def query(self) -> str:
        """Returns the filters as one text, for the cursor."""
        states = sorted(state.value for state in self.states)
        return repr((self.words, self.direction, states, self.tag_key, self.unread, self.since, self.before))

    def fit(self, row: CallRow) -> bool:
        """Whether a call has all that is filtered by."""
        call = row.call
        return (
            self.direction in (None, call.direction)
            and (not self.states or call.state in self.states)
            and (self.tag_key is None or self.tag_key in [tag.key for tag in call.tags])
            and not (self.unread and row.is_read)
            and (self.words is None or _has_words(row, self.words))
        )


class CallRow(NamedTuple):
    """A call in a list, with the contact of the other number, the flow's name, and whether the reader has read it."""

    call: Call
    contact: Contact | None
    flow_name: str | None
    is_read: bool


class RecordSummary(NamedTuple):
    """The summary of a talk."""

    tldr: str | None
    key_points: list[str]
    next_actions: list[str]
    sentiment: str | None


class CallRecord(NamedTuple):
    """All that is known about a call."""

    row: CallRow
    summary: RecordSummary | None
    #: The stored summary with the outcome, if the talk is summarized.
    stored: CallSummary | None
    turns: list[Turn]
    tools: list[ToolUse]
    notes: list[CallNote]
    views: list[AccessEntry]
    recording: RecordingLink | None


def record_summary(call: Call, found: CallSummary | None) -> RecordSummary | None:
    """Returns the summary of a call's talk, with the text that lists show. `None` if it has none."""
    # Until the talk is summarized, the provider's analysis may have a short text.
    if found is None:
        return RecordSummary(call.summary, [], [], None) if call.summary else None
    return RecordSummary(call.summary or found.tldr, found.key_points, found.next_actions, found.sentiment)


def _has_words(row: CallRow, words: list[str]) -> bool:
    """Whether each word begins a word of a number, of the contact's name or of the summary."""
    call = row.call
    known = {
        *numbers.number_tokens(call.from_number),
        *numbers.number_tokens(call.to_number),
        *tokens.tokens_of_text(row.contact.display_name if row.contact else None),
        *words_projection.summary_tokens(call),
    }
    return bool(words) and all(any(token.startswith(word) for token in known) for word in words)
