"""The simulated carrier's records of its texts, in the `activity` table.

| item | pk | sk |
|---|---|---|
| text | `<org>#simulated-text#<message>` | `text` |
| person | `<org>#simulated-text#<conversation>` | `person` |

Both expire after a day. A person answers MAX_ANSWERS times within it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Key
from switchboard.aws.writes import ConditionFailedError, Update
from switchboard.carriers.messages.ports.messenger import OutgoingText
from switchboard.kit import clock

_KEPT_FOR = timedelta(days=1)
#: The most answers of a person in a conversation within a day.
MAX_ANSWERS = 10


class TakenText(NamedTuple):
    """A text that the simulated carrier took: its number, when, and how many times it was handed over."""

    to_number: str
    taken_at: datetime
    hand_overs: int


def _key(org_id: str, id_: str, what: str) -> Key:
    return {"pk": f"{org_id}#simulated-text#{id_}", "sk": what}


def _expires() -> int:
    return int((clock.now() + _KEPT_FOR).timestamp())


def save_text(text: OutgoingText) -> None:
    """Records a text that was handed over, and counts its hand-overs."""
    writes.write_item(
        Update(
            table="activity",
            key=_key(text.org_id, text.message_id, "text"),
            expression="SET #to = :to, #at = :at, #expires = :expires ADD #times :one",
            names={"#to": "to_number", "#at": "taken_at", "#expires": "expires", "#times": "hand_overs"},
            values={":to": text.to_number, ":at": clock.now_iso(), ":expires": _expires(), ":one": 1},
        )
    )


def find_taken_text(org_id: str, message_id: str) -> TakenText | None:
    """Returns a text that was handed over, `None` if the carrier never got it."""
    item = reads.get_item("activity", _key(org_id, message_id, "text"))
    return TakenText(item["to_number"], clock.parse(item["taken_at"]), int(item["hand_overs"])) if item else None


def take_answer(org_id: str, conversation_id: str) -> bool:
    """Counts an answer of a person. Returns False if the person has said enough for a day."""
    key, now = _key(org_id, conversation_id, "person"), int(clock.epoch())
    try:
        # An expired item may still be there: deleting it takes the table some days.
        writes.write_item(
            Update(
                table="activity",
                key=key,
                expression="SET #answers = :one, #expires = :expires",
                names={"#answers": "answers", "#expires": "expires"},
                values={":one": 1, ":expires": _expires(), ":now": now},
                condition="attribute_not_exists(pk) OR #expires <= :now",
            )
        )
    except ConditionFailedError:
        try:
            writes.write_item(
                Update(
                    table="activity",
                    key=key,
                    expression="ADD #answers :one",
                    names={"#answers": "answers"},
                    values={":one": 1, ":most": MAX_ANSWERS},
                    condition="#answers < :most",
                )
            )
        except ConditionFailedError:
            return False
    return True
