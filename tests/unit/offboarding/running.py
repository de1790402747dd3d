"""Runs a deletion to its end, as its jobs would over some weeks."""

from __future__ import annotations

import json
from typing import Any

from infra import topology
from switchboard.aws import clients
from switchboard.aws.dynamodb import decode_item
from switchboard.kit import clock, settings
from switchboard.offboarding import deleting, store
from switchboard.offboarding.models import Deletion

#: More jobs than any deletion of a test needs.
_MOST_JOBS = 60


def run_job(org_id: str, frozen: clock.FrozenClock) -> Deletion:
    """Run the next job at its time. Returns the deletion after it."""
    found = get_deletion(org_id)
    if found.due:
        frozen.at = max(clock.parse(found.due).timestamp(), frozen.at)
    deleting.continue_deletion(org_id)
    return get_deletion(org_id)


def finish_deletion(org_id: str, frozen: clock.FrozenClock) -> Deletion:
    """Run the jobs of a deletion until it is complete."""
    for _ in range(_MOST_JOBS):
        found = run_job(org_id, frozen)
        if found.is_complete:
            return found
    raise AssertionError(f"the deletion does not come to an end: {found}")


def get_deletion(org_id: str) -> Deletion:
    found = store.get_deletion(org_id)
    assert found is not None
    return found


def list_items() -> dict[tuple[str, str], dict[str, Any]]:
    """All items of all tables by their table and key, in the form of `ItemKind.keys`."""
    found = {}
    for table in topology.TABLES:
        start: dict[str, Any] = {}
        while True:
            answer: Any = clients.dynamodb_client().scan(TableName=settings.table_name(table.name), **start)
            for item in map(decode_item, answer["Items"]):
                found[table.name, "|".join(item[name] for name in table.keys)] = item
            if not answer.get("LastEvaluatedKey"):
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    return found


def list_objects() -> dict[tuple[str, str], str]:
    """The digests of all objects, by their bucket and key."""
    s3 = clients.get_client("s3")
    return {
        (bucket.name, one["Key"]): one["ETag"]
        for bucket in topology.BUCKETS
        for one in s3.list_objects_v2(Bucket=settings.text(f"BUCKET_{bucket.name.upper().replace('-', '_')}")).get(
            "Contents", ()
        )
    }


def list_of_organization(org_id: str) -> dict[tuple[str, str], dict[str, Any]]:
    """All items that name an organization anywhere, by their table and key."""
    return {place: item for place, item in list_items().items() if org_id in json.dumps([place, item], default=str)}
