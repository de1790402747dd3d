"""The guard against calling a person twice by mistake: a flow calls a number once in five minutes.

| item in `activity` | pk | sk |
|---|---|---|
| latest call of a flow to a number | `<org>#latest-call#<flow>` | `<digest of the number>` |

The item is part of the call's commit, so that of parallel requests one makes a call. It names the first call.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Put
from switchboard.calls.models import Call
from switchboard.errors import Invalid
from switchboard.kit import clock, texts

#: Long enough for a double click, a repeated import and a second tab. Short enough for a person who asks to be called
#: again.
REPEAT_WINDOW = timedelta(minutes=5)


def latest_call_write(call: Call, *, forced: bool) -> Put:
    """Returns the write that notes a flow's latest call to a number. Raises Invalid at commit for a repeated call.

    A `forced` call is allowed at any time, and counts for the next one.
    """
    now = clock.now()
    # DynamoDB deletes expired items late. The condition does not rely on it.
    until = int((now + REPEAT_WINDOW).timestamp())
    item = {
        "pk": f"{call.org_id}#latest-call#{call.flow_id}",
        "sk": texts.digest(call.to_number),
        "call_id": call.id,
        "expires": until,
    }
    if forced:
        return Put(table="activity", item=item)
    return Put(
        table="activity",
        item=item,
        condition="attribute_not_exists(pk) OR expires <= :now",
        values={":now": int(now.timestamp())},
        otherwise=_repeated,
    )


def _repeated(items: list[Item | None]) -> Exception:
    first = items[0] or {}
    minutes = int(REPEAT_WINDOW.total_seconds()) // 60
    return Invalid(
        f"This flow called this number less than {minutes} minutes ago: wait, or let an admin send force: true.",
        code="duplicate_call",
        call_id=first.get("call_id"),
    )
