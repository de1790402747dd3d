"""Widget tokens in the `core` table.

| item | pk | sk |
|---|---|---|
| token | `<org>#widget-tokens` | `<id>` |
| look-up of a public key | `widget-key#<key>` | `token` |

The look-up holds a pointer only: a page knows nothing but the key.
"""

from __future__ import annotations

from typing import NamedTuple

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import ConditionCheck, Put
from switchboard.persistence.collection import Collection
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.widgets.models import WidgetToken

TOKENS = Collection("core", WidgetToken, lambda org_id, id_: {"pk": f"{org_id}#widget-tokens", "sk": id_})


class TokenPlace(NamedTuple):
    """The organization and the id of a token."""

    org_id: str
    token_id: str


def _key_of(public_key: str) -> Key:
    return {"pk": f"widget-key#{public_key}", "sk": "token"}


def lookup_write(token: WidgetToken) -> Put:
    """Returns the write of the look-up of a new token's public key."""
    item: Item = {**_key_of(token.public_key), "org_id": token.org_id, "token_id": token.id}
    return Put(table="core", item=item, unless_exists=True)


def find_place(public_key: str) -> TokenPlace | None:
    """Returns the place of the token with a public key."""
    item = reads.get_item("core", _key_of(public_key))
    return TokenPlace(item["org_id"], item["token_id"]) if item else None


def unchanged_check(token: WidgetToken) -> ConditionCheck:
    """Returns the check that a token has not changed since it was read. Raises StaleVersionError at commit."""
    return ConditionCheck(
        table="core",
        key=TOKENS.key(token.org_id, token.id),
        condition="version = :version",
        values={":version": token.version},
        otherwise=StaleVersionError,
    )


def list_tokens(org_id: str) -> list[WidgetToken]:
    """Returns the organization's tokens, the newest first."""
    query = Query(table="core", partition=f"{org_id}#widget-tokens", forward=False)
    return [TOKENS.from_item(item) for item in query.read_all()]
