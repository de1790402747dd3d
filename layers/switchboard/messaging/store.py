"""Conversations, texts and scheduled texts in the `activity` table.

| item | pk | sk |
|---|---|---|
| conversation | `<org>#conversation#<id>` | `conversation` |
| text | `<org>#conversation#<id>` | `message#<message id>` |
| text that came in, by the carrier's id | `<org>#conversation#<id>` | `sid#<provider sid>` |
| entry of the activity | `<org>#conversation#<id>` | `activity#<time>#<entry id>` |
| scheduled text | `<org>#scheduled-text#<id>` | `scheduled` |

The ids of texts sort by time, so a conversation's partition holds its texts in their order. A text of a campaign is
there before its conversation exists.

The indexes of conversations all have the status, so that each combination of filters has its own partitions: gsi1 by
status, gsi2 by assignee, gsi3 by number, gsi4 by assignee and number. Lists are sorted by the last text, so the place
of a conversation changes. A place also has the contact's number, so that a list reads the contacts and opt-outs
together with the conversations. gsi1 of scheduled texts lists them by status and the time of sending.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import ConditionCheck, Put, Write
from switchboard.kit import clock, ids, texts
from switchboard.messaging.models import (
    ActivityEntry,
    ConversationStatus,
    ScheduledText,
    TextConversation,
    TextMessage,
)
from switchboard.persistence.collection import Collection
from switchboard.persistence.listing import Listing, ListView, place_of, read_query_page
from switchboard.persistence.optimistic import AlreadyRecordedError, StaleVersionError

#: The id of a text is made some moments before or after the text's time.
_ID_SLACK = timedelta(seconds=1)
_FIRST_MOMENT = clock.from_epoch(0)
MESSAGE_PREFIX, SCHEDULED_PREFIX, CONVERSATION_PREFIX = "sms", "sch", "cnv"

CONVERSATION_LISTING = Listing(
    "activity",
    "conversations",
    (
        ListView(index="gsi1", by=("status",)),
        ListView(index="gsi2", by=("assigned_user_id", "status")),
        ListView(index="gsi3", by=("number_id", "status")),
        ListView(index="gsi4", by=("assigned_user_id", "number_id", "status")),
    ),
)
SCHEDULED_LISTING = Listing("activity", "scheduled-texts", (ListView(index="gsi1", by=("status",)),))


def conversation_partition(org_id: str, conversation_id: str) -> str:
    """Returns the partition of a conversation and everything in it."""
    return f"{org_id}#conversation#{conversation_id}"


def _conversation_key(org_id: str, conversation_id: str) -> Key:
    return {"pk": conversation_partition(org_id, conversation_id), "sk": "conversation"}


def _conversation_lists(found: TextConversation) -> Item:
    values = {
        "status": found.status.value,
        "assigned_user_id": found.assigned_user_id,
        "number_id": found.number_id,
    }
    place = f"{place_of(found.active_at, found.id)}#{found.contact_e164}"
    return CONVERSATION_LISTING.index_attributes(found.org_id, place, values)


def _pack(item: Item) -> Item:
    # Missing values are not stored, to save space.
    packed = {name: value for name, value in item.items() if value is not None and value not in ([], {})}
    if "metadata" in packed:
        packed["metadata"] = texts.dump_json(packed["metadata"])
    return packed


def _unpack(item: Item) -> Item:
    return {**item, "metadata": texts.load_json(item["metadata"])} if "metadata" in item else item


CONVERSATIONS = Collection(
    "activity", TextConversation, _conversation_key, _conversation_lists, pack=_pack, unpack=_unpack
)


def conversation_ref(org_id: str, conversation_id: str) -> Ref[TextConversation]:
    """Returns the reference to a conversation."""
    return Ref("activity", _conversation_key(org_id, conversation_id), CONVERSATIONS.from_item)


def ai_running_check(org_id: str, conversation_id: str, otherwise: Callable[[list[Item | None]], Exception]) -> Write:
    """Returns the check that the AI of a conversation is not paused."""
    return ConditionCheck(
        table="activity",
        key=_conversation_key(org_id, conversation_id),
        condition="ai_paused = :no",
        values={":no": False},
        otherwise=otherwise,
    )


class ConversationPlace(NamedTuple):
    """The id and the contact of a conversation: all that is needed to read it with its contact and opt-out."""

    id: str
    contact_e164: str


def list_conversation_places(
    org_id: str, wanted: Mapping[str, str | None], limit: int, after: str | None
) -> tuple[list[ConversationPlace], str | None]:
    """Returns a page of conversations, the latest activity first, and the cursor of the next page.

    `wanted` are the values of `status`, `assigned_user_id` and `number_id` to filter by. The entries may be slightly
    out of date: compare the conversations with the filters. Raises Invalid for a cursor of another list.
    """
    filters = {name: [value] for name, value in wanted.items() if value is not None}
    # Each view of the listing has the status.
    filters.setdefault("status", [status.value for status in ConversationStatus])
    places, cursor = CONVERSATION_LISTING.read_places(org_id, filters, limit, after)
    return [ConversationPlace(*place.split("#", 2)[1:]) for place in places], cursor


# ---- texts


def message_key(org_id: str, conversation_id: str, message_id: str) -> Key:
    """Returns the key of a text."""
    return {"pk": conversation_partition(org_id, conversation_id), "sk": f"message#{message_id}"}


def message_ref(org_id: str, conversation_id: str, message_id: str) -> Ref[TextMessage]:
    """Returns the reference to a text."""
    return Ref("activity", message_key(org_id, conversation_id, message_id), TextMessage.model_validate)


def get_message(org_id: str, conversation_id: str, message_id: str) -> TextMessage | None:
    """Reads a text, `None` if there is none."""
    return reads.read_ref(message_ref(org_id, conversation_id, message_id))


def count_messages(org_id: str, conversation_id: str) -> int:
    """Returns the number of texts that a partition has, for a conversation that is created after texts of campaigns."""
    partition = conversation_partition(org_id, conversation_id)
    return sum(1 for _ in Query(table="activity", partition=partition, begins="message#").read_all())


def list_messages(
    org_id: str, conversation_id: str, limit: int, before: str | None = None, after: str | None = None
) -> tuple[list[TextMessage], str | None]:
    """Returns a page of the texts of a conversation, the newest first, and the cursor of the next page.

    `before` is a time: only older texts are on the page.
    """
    partition = conversation_partition(org_id, conversation_id)
    query = Query(table="activity", partition=partition, begins="message#", forward=False)
    if before:
        # An id has no time before 1970, and no text is of the future.
        moment = min(max(clock.parse(before), _FIRST_MOMENT), clock.now()) + _ID_SLACK
        query = Query(
            table="activity",
            partition=partition,
            between=("message#", ids.smallest_id("message#" + MESSAGE_PREFIX, int(moment.timestamp() * 1_000))),
            forward=False,
            where="created_at < :before",
            values={":before": clock.format_iso(clock.parse(before))},
        )
    return read_query_page(query, TextMessage.model_validate, org_id, f"texts:{conversation_id}:{before}", limit, after)


def list_newest_messages(org_id: str, conversation_id: str, limit: int) -> list[TextMessage]:
    """Returns the newest texts of a conversation, the newest first. A worker has no secret that could sign a cursor."""
    query = Query(
        table="activity",
        partition=conversation_partition(org_id, conversation_id),
        begins="message#",
        forward=False,
    )
    return [TextMessage.model_validate(item) for item in query.read_page(limit).items]


def message_item(message: TextMessage) -> Item:
    """Returns the stored item of a text."""
    key = message_key(message.org_id, message.conversation_id, message.id)
    return {**key, **_pack(message.model_dump(mode="json"))}


def new_message_write(message: TextMessage) -> Put:
    """Returns the write that stores a new text."""
    return Put(table="activity", item=message_item(message), unless_exists=True)


def save_message_write(message: TextMessage) -> Put:
    """Returns the write of a text's next version. Raises StaleVersionError at commit if the text has changed."""
    return Put(
        table="activity",
        item=message_item(message),
        condition="version = :before",
        values={":before": message.version - 1},
        otherwise=StaleVersionError,
    )


def _provider_sid_key(org_id: str, conversation_id: str, provider_sid: str) -> Key:
    return {"pk": conversation_partition(org_id, conversation_id), "sk": f"sid#{provider_sid}"}


def provider_sid_write(message: TextMessage) -> Put:
    """Returns the write that marks the carrier's id of a text that came in.

    Raises AlreadyRecordedError at commit for a text that is stored already.
    """
    key = _provider_sid_key(message.org_id, message.conversation_id, str(message.provider_sid))
    return Put(
        table="activity",
        item={**key, "message_id": message.id},
        unless_exists=True,
        otherwise=AlreadyRecordedError,
    )


def activity_write(org_id: str, conversation_id: str, entry: ActivityEntry) -> Put:
    """Returns the write that adds an entry to the activity."""
    key = {"pk": conversation_partition(org_id, conversation_id), "sk": f"activity#{entry.at}#{entry.id}"}
    return Put(table="activity", item={**key, **_pack(entry.model_dump(mode="json"))})


def list_activity(
    org_id: str, conversation_id: str, limit: int, after: str | None
) -> tuple[list[ActivityEntry], str | None]:
    """Returns a page of the activity, the newest first, and the cursor of the next page."""
    query = Query(
        table="activity",
        partition=conversation_partition(org_id, conversation_id),
        begins="activity#",
        forward=False,
    )
    return read_query_page(
        query, ActivityEntry.model_validate, org_id, f"conversation-activity:{conversation_id}", limit, after
    )


# ---- scheduled texts


def _scheduled_key(org_id: str, scheduled_id: str) -> Key:
    return {"pk": f"{org_id}#scheduled-text#{scheduled_id}", "sk": "scheduled"}


def _scheduled_lists(found: ScheduledText) -> Item:
    place = place_of(found.send_at, found.id)
    return SCHEDULED_LISTING.index_attributes(found.org_id, place, {"status": found.status.value})


SCHEDULED = Collection("activity", ScheduledText, _scheduled_key, _scheduled_lists, pack=_pack)


def scheduled_refs(org_id: str, scheduled_ids: Sequence[str]) -> list[Ref[ScheduledText]]:
    """Returns the references to scheduled texts."""
    return [Ref("activity", _scheduled_key(org_id, one), SCHEDULED.from_item) for one in scheduled_ids]
