"""Projects conversations to the search index: the contact's number, and the words of the last text.

| item in `core` | pk | sk |
|---|---|---|
| entry of a word | `<org>#find#conversation#<character>` | `<token>#<conversation id>~<contact>#head` |
| tokens that are indexed | `<org>#tail#conversation` | `<conversation id>` |

An entry only points at a conversation, whose present words decide whether it matches. Its id has the contact's number,
so that a search reads the contacts and opt-outs together with the conversations.

The item of the tokens has the version of the conversation from which they were made. A slow worker with an older
version finds a newer one there, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, unquote

from pydantic import BaseModel

from switchboard.aws import reads
from switchboard.aws.dynamodb import Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import Delete, Put, Writes
from switchboard.events.models import Event
from switchboard.messaging import store
from switchboard.messaging.models import TextConversation
from switchboard.messaging.store import ConversationPlace
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.search import index, tokens
from switchboard.search.index import SearchNoun

CONVERSATION_NOUN = SearchNoun("core", "conversation")
#: The words of a text that are indexed: the first ones. One commit removes the old ones and adds the new ones.
MAX_WORDS = 40


class IndexedWords(BaseModel):
    """The tokens of a conversation that are in the index, and the conversation's version with these tokens."""

    conversation_id: str
    version: int
    contact_e164: str
    tokens: list[str]


def conversation_tokens(conversation: TextConversation) -> list[str]:
    """Returns the tokens by which a conversation is found."""
    words = tokens.tokens_of_text(conversation.last_message_body)[:MAX_WORDS]
    return list(dict.fromkeys([*_number_tokens(conversation.contact_e164), *words]))


def _number_tokens(e164: str) -> list[str]:
    import phonenumbers  # for cold start: the library is large

    try:
        return tokens.tokens_of_number(e164)
    except phonenumbers.NumberParseException:
        # A short code, or a number that no country has.
        return tokens.tokens_of_text(e164)


def subject_of(conversation: TextConversation) -> str:
    """Returns the id of a conversation in the index."""
    return _subject(conversation.id, conversation.contact_e164)


def _subject(conversation_id: str, contact: str) -> str:
    # A sender without a number may have any name, and an entry is divided by `#`.
    return f"{conversation_id}~{quote(contact, safe='+')}"


def place_of_subject(subject: str) -> ConversationPlace:
    """Returns the conversation of an id in the index."""
    conversation_id, contact = subject.split("~", 1)
    return ConversationPlace(conversation_id, unquote(contact))


def project(event: Event) -> tuple[str, Writes] | None:
    """Returns the conversation's id, and the writes of its words as they are now."""
    org_id, id_ = event.org_id, event.data.get("conversation") or event.subject.id
    conversation, indexed = reads.read_refs(store.conversation_ref(org_id, id_), _indexed_ref(org_id, id_))
    if conversation is None or (indexed and indexed.version >= conversation.version):
        return None
    before = indexed.tokens if indexed else []
    after = IndexedWords(
        conversation_id=id_,
        version=conversation.version,
        contact_e164=conversation.contact_e164,
        tokens=conversation_tokens(conversation),
    )
    subject = subject_of(conversation)
    return id_, [
        _indexed_write(org_id, indexed, after),
        index.head_writes(CONVERSATION_NOUN, org_id, subject, before, after.tokens),
    ]


def subjects(org_id: str) -> Iterator[str]:
    """Yields the ids of all indexed conversations of an organization."""
    for item in Query(table="core", partition=_partition(org_id)).read_all():
        yield str(item["sk"])


def removal_writes(org_id: str, conversation_id: str) -> Writes:
    """Returns the writes that remove a conversation from the index."""
    indexed = reads.read_ref(_indexed_ref(org_id, conversation_id))
    if indexed is None:
        return None
    subject = _subject(conversation_id, indexed.contact_e164)
    return [
        Delete(
            table="core",
            key=_key(org_id, conversation_id),
            condition="version = :before",
            values={":before": indexed.version},
            otherwise=StaleVersionError,
        ),
        index.head_writes(CONVERSATION_NOUN, org_id, subject, indexed.tokens, []),
    ]


def _indexed_write(org_id: str, before: IndexedWords | None, after: IndexedWords) -> Put:
    item = {**_key(org_id, after.conversation_id), **after.model_dump()}
    if before is None:
        return Put(table="core", item=item, unless_exists=True, otherwise=StaleVersionError)
    return Put(
        table="core",
        item=item,
        condition="version = :before",
        values={":before": before.version},
        otherwise=StaleVersionError,
    )


def _indexed_ref(org_id: str, conversation_id: str) -> Ref[IndexedWords]:
    return Ref("core", _key(org_id, conversation_id), IndexedWords.model_validate)


def _partition(org_id: str) -> str:
    return f"{org_id}#tail#{CONVERSATION_NOUN.name}"


def _key(org_id: str, conversation_id: str) -> Key:
    return {"pk": _partition(org_id), "sk": conversation_id}
