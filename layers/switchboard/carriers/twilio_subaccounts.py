"""The subaccounts of organizations at Twilio, in the `core` table. A subaccount owns the organization's numbers.

| item | pk | sk |
|---|---|---|
| subaccount | `<org>` | `twilio` |
"""

from __future__ import annotations

from switchboard.aws import reads
from switchboard.aws.dynamodb import Key
from switchboard.aws.writes import ConditionFailedError, Put, write_item


def _key(org_id: str) -> Key:
    return {"pk": org_id, "sk": "twilio"}


def find_subaccount(org_id: str) -> str | None:
    """Returns the id of an organization's subaccount, `None` if it has none."""
    item = reads.get_item("core", _key(org_id))
    return str(item["account_sid"]) if item else None


def save_subaccount(org_id: str, account_sid: str) -> str:
    """Stores an organization's subaccount once. Returns the id that counts: the first one."""
    try:
        write_item(Put(table="core", item={**_key(org_id), "account_sid": account_sid}, unless_exists=True))
    except ConditionFailedError as other:
        return str((other.item or {})["account_sid"])
    return account_sid
