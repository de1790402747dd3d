"""Endpoints and their health in the `core` table; deliveries are in `delivery_store`.

| item | pk | sk |
|---|---|---|
| subscription | `<org>#webhooks` | `<id>` |
| callback's endpoint | `<org>#callback#<id>` | `endpoint` |
| health | `<org>#webhook#<id>` | `health` |
| health of a key's callbacks to a host | `<org>#webhook#<the ids' first part>` | `health` |

An organization has few subscriptions and reads them all for a batch of its events; callbacks are many, and each is
looked for by its own name. A callback's endpoint vanishes some time after the last call that named it. Health changes
while an endpoint is in trouble, so that it has a partition of its own, and vanishes with the last delivery. Callbacks
share theirs by host (scheme, name and port): a URL that is another for each call would never be known to be quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from switchboard.aws import clock, ids, table
from switchboard.aws.table import ConditionFailedError, Delete, Item, Key, Query, Update
from switchboard.kit.change import Moved
from switchboard.kit.collection import Collection
from switchboard.webhooks.delivery_store import KEPT
from switchboard.webhooks.kinds import KINDS
from switchboard.webhooks.models import Endpoint, Health

#: How many batches may be sending to one endpoint at a time.
SLOTS = 10
_CALLBACK = f"{KINDS['opticomm'].prefix}_"
#: The characters of a callback's id that stand for its key and host, and for its key and URL.
_HOST, _WHOLE = 10, 16
_SHARED = len(_CALLBACK) + _HOST


def endpoint_key(org_id: str, endpoint_id: str) -> Key:
    if endpoint_id.startswith(_CALLBACK):
        return {"pk": f"{org_id}#callback#{endpoint_id}", "sk": "endpoint"}
    return {"pk": f"{org_id}#webhooks", "sk": endpoint_id}


def health_key(org_id: str, endpoint_id: str) -> Key:
    """Where the health of an endpoint is: of its own, or of all callbacks of its key to its host."""
    shared = endpoint_id[:_SHARED] if endpoint_id.startswith(_CALLBACK) else endpoint_id
    return {"pk": f"{org_id}#webhook#{shared}", "sk": "health"}


def callback_id(org_id: str, key_id: str, url: str) -> str:
    """The id of the endpoint of a key's callbacks to a checked URL. It begins with what stands for the URL's host."""
    origin = "/".join(url.split("/", 3)[:3])
    host, whole = (ids.derived("", 0, org_id, key_id, part) for part in (origin, url))
    return f"{_CALLBACK}{host[-_HOST:]}{whole[-_WHOLE:]}"


ENDPOINTS = Collection(
    table="core",
    model=Endpoint,
    key=endpoint_key,
    pack=lambda item: {name: value for name, value in item.items() if value is not None},
)


def delete_endpoint(endpoint: Endpoint) -> Delete:
    """The removal of an endpoint as it was read. Raises Moved at commit."""
    return Delete(
        table="core",
        key=endpoint_key(endpoint.org_id, endpoint.id),
        condition="version = :before",
        values={":before": endpoint.version},
        otherwise=Moved,
    )


def ensure(endpoint: Endpoint) -> Update:
    """Make an endpoint where there is none; one that is there becomes active again, and stays as it is otherwise."""
    always = {"active": True, "updated_at": endpoint.updated_at, "expires": endpoint.expires}
    fields = endpoint.model_dump(exclude={"disabled_reason", "disabled_at", *always})
    return Update(
        table="core",
        key=endpoint_key(endpoint.org_id, endpoint.id),
        expression="SET "
        + ", ".join(f"#{name} = :{name}" for name in always)
        + "".join(f", #{name} = if_not_exists(#{name}, :{name})" for name in fields)
        # When it was disabled stays: what failed before that no longer counts.
        + " REMOVE disabled_reason",
        names={f"#{name}": name for name in (*fields, *always)},
        values={f":{name}": value for name, value in (fields | always).items()},
    )


def get_endpoint(org_id: str, endpoint_id: str) -> Endpoint | None:
    return ENDPOINTS.get(org_id, endpoint_id)


def get_endpoints(places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Endpoint]:
    """Those that are there of up to a hundred endpoints, by organization and id."""
    items = table.get_many("core", [endpoint_key(*place) for place in places]) if places else []
    return {place: ENDPOINTS.read(item) for place, item in zip(places, items, strict=True) if item}


def subscriptions(org_id: str) -> list[Endpoint]:
    return [ENDPOINTS.read(item) for item in Query(table="core", partition=f"{org_id}#webhooks").all()]


def health(org_id: str, endpoint_ids: Sequence[str]) -> list[Health]:
    if not endpoint_ids:
        return []
    found = table.get_many("core", [health_key(org_id, endpoint_id) for endpoint_id in endpoint_ids])
    return [read_health(item) for item in found]


def read_health(item: Item | None) -> Health:
    item = item or {}
    slots = {number: item[f"slot_{number}"] for number in range(SLOTS) if f"slot_{number}" in item}
    return Health.model_validate({**item, "slots": slots})


def with_health(org_id: str, endpoint_id: str) -> tuple[Endpoint | None, Health]:
    """An endpoint and its health, in one request."""
    item, found = table.get_many("core", [endpoint_key(org_id, endpoint_id), health_key(org_id, endpoint_id)])
    return (ENDPOINTS.read(item) if item else None), read_health(found)


class BusyError(Exception):
    """An endpoint takes no more for now: `health` tells whether its slots or its breaker say so."""

    def __init__(self, health: Health) -> None:
        super().__init__("busy")
        self.health = health


def take_slot(endpoint: Endpoint, number: int, now: str, until: str) -> None:
    """Take a slot of an endpoint whose breaker is closed. Raises BusyError."""
    change = _change(
        endpoint,
        ["#slot = :until"],
        {":until": until, ":now": now},
        names={"#slot": f"slot_{number}"},
        condition="(attribute_not_exists(#slot) OR #slot < :now)"
        " AND (attribute_not_exists(open_until) OR open_until <= :now)",
    )
    try:
        table.write(change)
    except ConditionFailedError as failed:
        raise BusyError(read_health(failed.item)) from None


def give_back(endpoint: Endpoint, number: int, until: str, change: HealthChange) -> Health:
    """Note how an endpoint answered, and give its slot back if it is still ours."""
    name = f"slot_{number}"
    try:
        return read_health(table.write(_note(endpoint, change, slot=name, until=until)))
    except ConditionFailedError:
        # We took longer than our lease, and somebody else sends in that slot.
        return note(endpoint, change)


def note(endpoint: Endpoint, change: HealthChange) -> Health:
    """Note how an endpoint answered."""
    return read_health(table.write(_note(endpoint, change)))


@dataclass(frozen=True, slots=True)
class HealthChange:
    """What a batch learnt of an endpoint. With `succeeded` it is well, whatever else failed.

    `anew` says that the failures before these are too long ago to be of the same trouble.
    """

    now: str
    succeeded: bool
    failures: int
    down: int
    anew: bool
    slow_until: str | None
    quick: bool = False


def _note(endpoint: Endpoint, change: HealthChange, *, slot: str | None = None, until: str | None = None) -> Update:
    sets, adds, removes = ["last_delivery_at = :now"], "", ["#slot"] if slot else []
    values: dict[str, Any] = {":now": change.now}
    if change.succeeded:
        sets += ["last_success_at = :now", "failures = :none", "down = :none"]
        removes += ["failing_since", "failed_at", "open_until"]
        values[":none"] = 0
    elif change.failures:
        since = ":now" if change.anew else "if_not_exists(failing_since, :now)"
        sets += ["failed_at = :now", f"failing_since = {since}"]
        adds = " ADD failures :failures, down :down"
        values |= {":failures": change.failures, ":down": change.down}
    if change.slow_until:
        sets.append("slow_until = :slow")
        values[":slow"] = change.slow_until
        removes.append("quick_at")
    elif change.quick:
        sets.append("quick_at = :now")
    return _change(
        endpoint,
        sets,
        values | ({":until": until} if slot else {}),
        names={"#slot": slot} if slot else {},
        more=adds + (f" REMOVE {', '.join(removes)}" if removes else ""),
        condition="#slot = :until" if slot else None,
    )


def open_breaker(endpoint: Endpoint, until: str) -> None:
    table.write(_change(endpoint, ["open_until = :until"], {":until": until}))


def be_wary(endpoint: Endpoint, until: str) -> None:
    """Let batches take slots of an endpoint that has been answering, until a moment."""
    table.write(_change(endpoint, ["wary_until = :until"], {":until": until}))


def _change(
    endpoint: Endpoint,
    sets: list[str],
    values: dict[str, Any],
    *,
    names: dict[str, str] | None = None,
    more: str = "",
    condition: str | None = None,
) -> Update:
    """The write of an endpoint's health, which stays as long as what was delivered at that moment."""
    return Update(
        table="core",
        key=health_key(endpoint.org_id, endpoint.id),
        expression=f"SET {', '.join([*sets, 'expires = :expires'])}{more}",
        names=names or {},
        values=values | {":expires": int((clock.now() + KEPT).timestamp())},
        condition=condition,
    )


#: What is said of an endpoint's answers. Its leased slots, and that it was slow, are not among it.
_RECORD = ("failures", "down", "failing_since", "open_until", "wary_until", "last_success_at", "quick_at")


def forget_record(org_id: str, endpoint_id: str) -> Update:
    """Forget how an endpoint has been answering, as if it were new. The slots it holds, and `slow_until`, stay."""
    return Update(
        table="core",
        key=health_key(org_id, endpoint_id),
        expression=f"SET expires = :expires REMOVE {', '.join(_RECORD)}",
        values={":expires": int((clock.now() + KEPT).timestamp())},
    )


def without_record(health: Health) -> Health:
    """Return what `forget_record` leaves of an endpoint's health."""
    return Health.model_validate(health.model_dump(exclude=set(_RECORD)))


def forget_health(org_id: str, endpoint_id: str) -> Delete:
    return Delete(table="core", key=health_key(org_id, endpoint_id))
