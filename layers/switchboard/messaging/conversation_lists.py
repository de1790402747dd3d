"""Lists and searches conversations, each with the contact and the opt-out of its number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from switchboard.aws import reads
from switchboard.aws.reads import Ref
from switchboard.call_records.companions import read_many
from switchboard.calls import history
from switchboard.compliance import ledgers
from switchboard.contacts import service as contacts
from switchboard.contacts.models import Contact
from switchboard.errors import NotFound
from switchboard.kit.background import BackgroundTask
from switchboard.messaging import store, words_projection
from switchboard.messaging.activity import require_conversation
from switchboard.messaging.models import ConversationStatus, TextConversation, TextMessage
from switchboard.messaging.store import ConversationPlace
from switchboard.search import index, tokens
from switchboard.search.index import IndexEntry, SearchSubject


class ConversationFilters(NamedTuple):
    """The filters of a list. A conversation has to fit all that are set."""

    status: ConversationStatus | None = None
    assigned_user_id: str | None = None
    number_id: str | None = None

    def fit(self, conversation: TextConversation) -> bool:
        """Whether a conversation fits."""
        return all(value in (None, getattr(conversation, name)) for name, value in self._asdict().items())


class ConversationRow(NamedTuple):
    """A conversation with the contact of its number, and whether the number's holder opted out."""

    conversation: TextConversation
    contact: Contact | None
    opted_out: bool


def list_conversations(
    org_id: str, filters: ConversationFilters, text: str | None, limit: int, after: str | None
) -> tuple[list[ConversationRow], str | None]:
    """Returns a page of conversations, the latest activity first, and the cursor of the next page.

    With a text, the pages are those of a search: each word of the text begins the contact's number, or a word of the
    last text. Only the conversations within a page are sorted then. A page takes two round trips. It may be short
    without being the last one. A text can be found a few moments after it came. Raises Invalid for a cursor of another
    list.
    """
    if text and text.strip():
        rows, cursor = _search(org_id, text, limit, after)
    else:
        places, cursor = store.list_conversation_places(org_id, filters._asdict(), limit, after)
        rows = list(read_rows(org_id, places).values())
    # An index may be slightly out of date.
    fitting = [row for row in rows if filters.fit(row.conversation)]
    return sorted(fitting, key=lambda row: row.conversation.active_at, reverse=True), cursor


def _search(org_id: str, text: str, limit: int, after: str | None) -> tuple[list[ConversationRow], str | None]:
    def load(entries: list[IndexEntry]) -> list[SearchSubject[ConversationRow] | None]:
        places = [words_projection.place_of_subject(entry.subject_id) for entry in entries]
        rows = read_rows(org_id, list(dict.fromkeys(places)))
        return [_found(rows.get(place)) for place in places]

    words = tokens.words_of_query(text)
    return index.search_subjects(words_projection.CONVERSATION_NOUN, org_id, words, limit, after, load)


def _found(row: ConversationRow | None) -> SearchSubject[ConversationRow] | None:
    return SearchSubject(row, words_projection.conversation_tokens(row.conversation)) if row else None


def read_rows(org_id: str, places: Sequence[ConversationPlace]) -> dict[ConversationPlace, ConversationRow]:
    """Reads conversations with their contacts and opt-outs in parallel requests. Missing ones are left out."""
    refs: list[Ref[Any]] = [store.conversation_ref(org_id, place.id) for place in places]
    refs += [_contact_ref(org_id, place.contact_e164) for place in places]
    refs += [ledgers.opt_out_ref(org_id, place.contact_e164) for place in places]
    answers = read_many(refs) if refs else []
    number = len(places)
    parts = answers[:number], answers[number : 2 * number], answers[2 * number :]
    return {
        place: ConversationRow(conversation, contact, opt_out is not None)
        for place, conversation, contact, opt_out in zip(places, *parts, strict=True)
        if conversation
    }


def read_row(conversation: TextConversation) -> ConversationRow:
    """Reads the contact and the opt-out of a conversation."""
    org_id, e164 = conversation.org_id, conversation.contact_e164
    contact, opt_out = reads.read_refs(_contact_ref(org_id, e164), ledgers.opt_out_ref(org_id, e164))
    return ConversationRow(conversation, contact, opt_out is not None)


def get_conversation(org_id: str, conversation_id: str) -> ConversationRow:
    """Returns a conversation with its contact and opt-out. Raises NotFound."""
    return read_row(require_conversation(org_id, conversation_id))


def list_texts(
    org_id: str, conversation_id: str, limit: int, before: str | None, after: str | None
) -> tuple[list[TextMessage], str | None]:
    """Returns a page of the texts of a conversation, the newest first, and the cursor of the next page.

    `before` is a time: only older texts are on the page. Texts of a campaign can be read before their conversation
    exists. Raises NotFound without a conversation and a text, and Invalid for a cursor of another list.
    """
    page = store.list_messages(org_id, conversation_id, limit, before, after)
    if not page[0]:
        of_texts = BackgroundTask(lambda: store.list_messages(org_id, conversation_id, 1)[0])
        of_texts.start()
        try:
            require_conversation(org_id, conversation_id)
        except NotFound:
            if not of_texts.result():
                raise
    return page


def find_conversations(places: Sequence[tuple[str, str]]) -> list[TextConversation | None]:
    """Returns the conversations of up to 100 pairs of organization and id, in the same order, for a worker."""
    return store.CONVERSATIONS.get_objects(places)


def find_texts(places: Sequence[tuple[str, str, str]]) -> list[TextMessage | None]:
    """Returns up to 100 texts by organization, conversation and id, in the same order, for a worker."""
    return list(reads.read_refs(*(store.message_ref(*place) for place in places))) if places else []


def _contact_ref(org_id: str, e164: str) -> Ref[Contact]:
    return contacts.contact_of_number_ref(org_id, history.number_id(org_id, e164))
