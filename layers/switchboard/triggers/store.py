"""Triggers in the `core` table. Their firings are in `firing_store`.

| item | pk | sk |
|---|---|---|
| trigger | `<org>#triggers` | `<id>` |
| tally of a trigger | `<org>#trigger-tallies` | `<id>` |
| look-up of a token | `trigger_token#<hash>` | `token` |

The look-up holds a pointer only. The trigger says when a rotated token ends, and its next rotation deletes the look-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from switchboard.aws import reads
from switchboard.aws.dynamodb import Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import Delete, Put
from switchboard.persistence.collection import Collection
from switchboard.persistence.listing import read_query_page
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.triggers.models import Trigger, TriggerTally

TRIGGER_PREFIX = "trg"


def _trigger_key(org_id: str, trigger_id: str) -> Key:
    return {"pk": f"{org_id}#triggers", "sk": trigger_id}


TRIGGERS = Collection("core", Trigger, _trigger_key)


def trigger_ref(org_id: str, trigger_id: str) -> Ref[Trigger]:
    """Returns the reference to a trigger."""
    return Ref("core", _trigger_key(org_id, trigger_id), TRIGGERS.from_item)


def list_triggers(org_id: str, limit: int, after: str | None) -> tuple[list[Trigger], str | None]:
    """Returns a page of the organization's triggers, newest first, and the cursor of the next page."""
    query = Query(table="core", partition=f"{org_id}#triggers", forward=False)
    return read_query_page(query, TRIGGERS.from_item, org_id, "triggers", limit, after)


# ---- tokens


class TokenPointer(NamedTuple):
    """The trigger of a token."""

    org_id: str
    trigger_id: str


def _token_key(token_hash: str) -> Key:
    return {"pk": f"trigger_token#{token_hash}", "sk": "token"}


def token_write(trigger: Trigger) -> Put:
    """Returns the write of the look-up of a trigger's token."""
    item = {**_token_key(trigger.token_hash), "org_id": trigger.org_id, "trigger_id": trigger.id}
    return Put(table="core", item=item)


def delete_token_writes(hashes: Sequence[str]) -> list[Delete]:
    """Returns the writes that delete look-ups of tokens."""
    return [Delete(table="core", key=_token_key(one)) for one in hashes]


def find_token(token_hash: str) -> TokenPointer | None:
    """Reads the look-up of a token."""
    found = reads.get_item("core", _token_key(token_hash))
    return TokenPointer(found["org_id"], found["trigger_id"]) if found else None


# ---- tallies


def tally_ref(org_id: str, trigger_id: str) -> Ref[TriggerTally]:
    """Returns the reference to the tally of a trigger."""
    return Ref("core", {"pk": f"{org_id}#trigger-tallies", "sk": trigger_id}, TriggerTally.model_validate)


def get_tallies(org_id: str, trigger_ids: Sequence[str]) -> list[TriggerTally]:
    """Returns the tallies of up to a hundred triggers, in their order."""
    if not trigger_ids:
        return []
    items = reads.get_items("core", [tally_ref(org_id, one).key for one in trigger_ids])
    return [TriggerTally.model_validate(item or {}) for item in items]


def tally_write(org_id: str, trigger_id: str, tally: TriggerTally, before: int) -> Put:
    """Returns the write of a tally that has not changed since it was read. Raises StaleVersionError at commit."""
    return Put(
        table="core",
        item={**tally_ref(org_id, trigger_id).key, **tally.model_dump()},
        condition="fires = :before" if before else "attribute_not_exists(pk)",
        values={":before": before} if before else {},
        otherwise=StaleVersionError,
    )


def delete_tally_write(org_id: str, trigger_id: str, before: int | None = None) -> Delete:
    """Returns the write that deletes a tally: any tally, or the one that was read with `before` fires."""
    return Delete(
        table="core",
        key=tally_ref(org_id, trigger_id).key,
        condition=None if before is None else "fires = :before",
        values={} if before is None else {":before": before},
        otherwise=StaleVersionError,
    )


def list_tallied_triggers(org_id: str) -> Iterator[str]:
    """Returns the ids of all triggers that have a tally."""
    return (item["sk"] for item in Query(table="core", partition=f"{org_id}#trigger-tallies").read_all())
