"""The deletions of organizations in the `core` table.

| item | pk | sk |
|---|---|---|
| deletion | `<org>#offboarding` | `deletion` |
"""

from __future__ import annotations

from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.writes import Put
from switchboard.kit import clock
from switchboard.offboarding.models import Deletion
from switchboard.persistence.collection import Collection
from switchboard.persistence.retention import TEN_YEARS

#: An organization has one deletion.
DELETION = "deletion"


def _key(org_id: str, id_: str) -> Key:
    return {"pk": f"{org_id}#offboarding", "sk": id_}


def _end(found: Deletion) -> Item:
    return {"expires": int((clock.parse(found.created_at) + TEN_YEARS).timestamp())}


DELETIONS = Collection("core", Deletion, _key, _end)


def get_deletion(org_id: str) -> Deletion | None:
    """Returns the deletion of an organization, `None` if nobody has deleted it."""
    return DELETIONS.get_object(org_id, DELETION)


def begin_write(made: Deletion, otherwise: type[Exception]) -> Put:
    """Returns the write of a new deletion. Raises `otherwise` at commit if there is one."""
    return Put(table="core", item=DELETIONS.to_item(made), unless_exists=True, otherwise=lambda _: otherwise())
