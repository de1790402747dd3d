"""Limits the webhooks of an organization at one host, so that one event is no flood of requests for one server.

The server may belong to somebody who knows nothing of the webhooks.

| item | table | pk | sk |
|---|---|---|---|
| number of webhooks at a host | `core` | `<org>#webhook-hosts` | `<digest of the host>` |

A webhook stores the host under which it counts. Webhooks of before have none, and do not count.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Update, Writes, room_condition
from switchboard.errors import QuotaExceeded
from switchboard.kit import texts

#: The most webhooks of an organization at one host. It is far below `service.MAX_ENDPOINTS`.
MAX_OF_HOST = 10


def host_partition(org_id: str) -> str:
    return f"{org_id}#webhook-hosts"


def digest_of_host(url: str) -> str:
    """Returns the digest of the host of a checked URL."""
    return texts.digest(urlsplit(url).hostname or "")


def move_writes(org_id: str, before: str | None, after: str | None) -> list[Writes]:
    """Returns the writes that count a webhook at the host `after`, and no longer at the host `before`.

    Without a host a webhook does not count. The commit raises QuotaExceeded at the limit of the new host.
    """
    if before == after:
        return []
    return [
        _count_write(org_id, before, -1) if before else None,
        _count_write(org_id, after, 1) if after else None,
    ]


def _count_write(org_id: str, host: str, step: int) -> Update:
    room = {":room": MAX_OF_HOST - step} if step > 0 else {}
    return Update(
        table="core",
        key={"pk": host_partition(org_id), "sk": host},
        expression="ADD #count :step",
        names={"#count": "count"},
        values={":step": step} | room,
        condition=room_condition("#count", ":room", room[":room"]) if room else None,
        otherwise=_host_full,
    )


def _host_full(_: list[Item | None]) -> QuotaExceeded:
    return QuotaExceeded(
        f"The organization has {MAX_OF_HOST} webhooks at this host, which is the limit: delete one of them first.",
        code="webhook_limit",
        resource="webhooks",
        current=MAX_OF_HOST,
        cap=MAX_OF_HOST,
    )
