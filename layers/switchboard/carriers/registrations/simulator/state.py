"""The simulated registry's records, in the `activity` table.

| item | pk | sk |
|---|---|---|
| submission of a brand or a campaign | `<org>#simulated-registration` | `<part>` |
| second text to a sole proprietor | `<org>#simulated-registration` | `verification` |

They expire after 30 days, long after their reviews.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Key
from switchboard.aws.writes import ConditionFailedError, Put
from switchboard.carriers.registrations.ports.registry import RegistrationOrder
from switchboard.kit import clock

_KEPT_FOR = timedelta(days=30)


def _key(org_id: str, part: str) -> Key:
    return {"pk": f"{org_id}#simulated-registration", "sk": part}


def save_submission(order: RegistrationOrder, part: str) -> bool:
    """Records that a brand or a campaign was submitted. Returns False if this attempt was recorded before."""
    item = {
        **_key(order.org_id, part),
        "begun_at": order.begun_at,
        "taken_at": clock.now_iso(),
        "expires": int((clock.now() + _KEPT_FOR).timestamp()),
    }
    try:
        writes.write_item(
            Put(
                table="activity",
                item=item,
                condition="attribute_not_exists(pk) OR begun_at <> :begun",
                values={":begun": order.begun_at},
            )
        )
    except ConditionFailedError:
        return False
    return True


def find_submission(order: RegistrationOrder, part: str) -> datetime | None:
    """Returns when this attempt was submitted, `None` if it was not, or long ago."""
    item = reads.get_item("activity", _key(order.org_id, part))
    same = item is not None and item["begun_at"] == order.begun_at
    return clock.parse(item["taken_at"]) if item is not None and same else None
