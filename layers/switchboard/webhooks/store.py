"""Endpoints in the `core` table. Their health is in `health_store`, deliveries are in `delivery_store`.

| item | pk | sk |
|---|---|---|
| subscription | `<org>#webhooks` | `<id>` |
| callback's endpoint | `<org>#callback#<id>` | `endpoint` |

An organization has few subscriptions, and a batch of its events reads all of them. Callbacks are many, and each is
read by its own id. A callback's endpoint expires some time after the last call that named it.
"""

from __future__ import annotations

from collections.abc import Sequence

from switchboard.aws import reads
from switchboard.aws.dynamodb import Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Update
from switchboard.kit import ids
from switchboard.persistence.collection import Collection
from switchboard.webhooks.models import Endpoint
from switchboard.webhooks.receivers import CALLBACK, HOST, WHOLE


def endpoint_key(org_id: str, endpoint_id: str) -> Key:
    if endpoint_id.startswith(CALLBACK):
        return {"pk": f"{org_id}#callback#{endpoint_id}", "sk": "endpoint"}
    return {"pk": f"{org_id}#webhooks", "sk": endpoint_id}


def callback_id(org_id: str, key_id: str, url: str) -> str:
    """The id of the endpoint for a key's callbacks to a checked URL. It begins with a part that identifies the host."""
    origin = "/".join(url.split("/", 3)[:3])
    host, whole = (ids.derive_id("", 0, org_id, key_id, part) for part in (origin, url))
    return f"{CALLBACK}{host[-HOST:]}{whole[-WHOLE:]}"


ENDPOINTS = Collection(
    table="core",
    model=Endpoint,
    key=endpoint_key,
    pack=lambda item: {name: value for name, value in item.items() if value is not None},
)


def ensure_endpoint_writes(endpoint: Endpoint) -> Update:
    """The write that creates an endpoint, or activates an existing endpoint again and changes nothing else."""
    always = {"active": True, "updated_at": endpoint.updated_at, "expires": endpoint.expires}
    fields = endpoint.model_dump(exclude={"disabled_reason", "disabled_at", *always})
    return Update(
        table="core",
        key=endpoint_key(endpoint.org_id, endpoint.id),
        expression="SET "
        + ", ".join(f"#{name} = :{name}" for name in always)
        + "".join(f", #{name} = if_not_exists(#{name}, :{name})" for name in fields)
        # Keep `disabled_at`: failures before it no longer count.
        + " REMOVE disabled_reason",
        names={f"#{name}": name for name in (*fields, *always)},
        values={f":{name}": value for name, value in (fields | always).items()},
    )


def get_endpoint(org_id: str, endpoint_id: str) -> Endpoint | None:
    return ENDPOINTS.get_object(org_id, endpoint_id)


def get_endpoints(places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Endpoint]:
    """Returns up to a hundred endpoints by organization and id. Missing endpoints are left out."""
    items = reads.get_items("core", [endpoint_key(*place) for place in places]) if places else []
    return {place: ENDPOINTS.from_item(item) for place, item in zip(places, items, strict=True) if item}


def list_subscriptions(org_id: str) -> list[Endpoint]:
    return [ENDPOINTS.from_item(item) for item in Query(table="core", partition=f"{org_id}#webhooks").read_all()]
