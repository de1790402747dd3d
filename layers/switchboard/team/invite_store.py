"""Invites in the `core` table, with the pointers and counters of their addresses.

| item | pk | sk |
|---|---|---|
| invite | `<org>` | `team#invite#<id>` |
| the open invite of an address, and its mails | `<org>` | `invited#<digest of address>` |
| the number of invites that were mailed on a day | `<org>` | `invite-mails#<day>` |
| pointer from an address to its invite | `invitee#<digest of address>` | `<invite>` |
| the number of invite mails to a mailbox on a day | `invitee#<digest of mailbox>` | `mails#<day>` |

The last two, a pointer and a counter, belong to no organization. DynamoDB deletes all these items by `expires` (seconds
since 1970), except the invite itself. An invite is counted, so the creation of a later invite deletes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, Put, Update
from switchboard.kit import clock, texts
from switchboard.team import store
from switchboard.team.models import Invite, InviteMailState

#: Seconds between the end of an item and its deletion by DynamoDB. Until then reads still return it.
_EXPIRY_SLACK_SECONDS = 86_400
#: The number of pointers in one read, and the maximum number of reads.
_POINTERS_PER_READ, _MAX_READS = 50, 4


def _mailings_key(org_id: str, email: str) -> Key:
    return {"pk": org_id, "sk": f"invited#{texts.digest(email)}"}


def _invitee(email: str) -> str:
    return f"invitee#{texts.digest(email)}"


def _expires(stamp: str) -> int:
    return int(clock.parse(stamp).timestamp()) + _EXPIRY_SLACK_SECONDS


def get_mail_state(org_id: str, email: str) -> InviteMailState | None:
    item = reads.get_item("core", _mailings_key(org_id, email))
    return InviteMailState.model_validate({"invite_id": None, **item}) if item else None


def mail_state_write(email: str, mailings: InviteMailState, otherwise: store.Refusal) -> Put:
    """Returns the write of the next state of an address' invites, if the stored state is the one that was read."""
    before = mailings.revision - 1
    item: Item = {**_mailings_key(mailings.org_id, email), **mailings.model_dump(exclude_none=True)}
    item["expires"] = max(_expires(mailings.expires_at), _expires(mailings.next_mail_at))
    return Put(
        table="core",
        item=item,
        condition="revision = :before" if before else "attribute_not_exists(pk)",
        values={":before": before} if before else {},
        otherwise=otherwise,
    )


def invite_writes(invite: Invite) -> list[Put]:
    pointer: Item = {
        "pk": _invitee(invite.email),
        "sk": invite.id,
        "org_id": invite.org_id,
        "expires_at": invite.expires_at,
        "expires": _expires(invite.expires_at),
    }
    item = {**store.invite_ref(invite.org_id, invite.id).key, **invite.model_dump(mode="json")}
    return [Put(table="core", item=item), Put(table="core", item=pointer)]


def expired_invite_delete_write(invite: Invite, otherwise: store.Refusal) -> Delete:
    """Returns the write that deletes an expired invite. DynamoDB deletes its pointer later."""
    return Delete(
        table="core",
        key=store.invite_ref(invite.org_id, invite.id).key,
        condition="attribute_exists(pk)",
        otherwise=otherwise,
    )


def open_invite_delete_writes(
    invite: Invite, otherwise: store.Refusal, next_mail_at: str | None = None
) -> list[Delete | Update]:
    """Returns the writes that delete an open invite and its pointer. Only the first accept, decline or revoke succeeds.

    With `next_mail_at` the organization cannot mail the address again before that time.
    """
    held = next_mail_at is not None
    return [
        expired_invite_delete_write(invite, otherwise),
        Delete(table="core", key={"pk": _invitee(invite.email), "sk": invite.id}),
        Update(
            table="core",
            key=_mailings_key(invite.org_id, invite.email),
            expression=f"ADD revision :one{' SET next_mail_at = :held, expires = :expires' if held else ''} "
            "REMOVE invite_id",
            values={":one": 1, ":id": invite.id}
            | ({":held": next_mail_at, ":expires": _expires(next_mail_at)} if next_mail_at else {}),
            condition="invite_id = :id",
            otherwise=otherwise,
        ),
    ]


def find_organization_of_invite(email: str, invite_id: str) -> str | None:
    """Returns the organization of an invite, if the invite is for this address."""
    pointer = (
        reads.get_item("core", {"pk": _invitee(email), "sk": invite_id})
        if store.MEMBER_OR_INVITE_ID.fullmatch(invite_id)
        else None
    )
    return str(pointer["org_id"]) if pointer else None


def list_open_invite_ids(email: str, now: str) -> Iterator[list[tuple[str, str]]]:
    """Yields pages of the open invites of an address, newest first, as pairs of organization and invite id."""
    query = Query(table="core", partition=_invitee(email), begins="inv_", forward=False)
    start: Item | None = None
    for _ in range(_MAX_READS):
        page = query.read_page(_POINTERS_PER_READ, start)
        yield [(item["org_id"], item["sk"]) for item in page.items if item["expires_at"] > now]
        start = page.next_key
        if start is None:
            return


# ---- mails


def organization_mail_count_write(org_id: str, day: str, most: int, otherwise: store.Refusal) -> Update:
    """Returns the write that counts an invite mail of an organization on a day (UTC), up to `most`."""
    return _mail_count_write({"pk": org_id, "sk": f"invite-mails#{day}"}, day, most, otherwise)


def mailbox_mail_count_write(mailbox: str, day: str, most: int, otherwise: store.Refusal) -> Update:
    """Returns the write that counts an invite mail to a mailbox on a day (UTC), of all organizations, up to `most`."""
    return _mail_count_write({"pk": _invitee(mailbox), "sk": f"mails#{day}"}, day, most, otherwise)


def _mail_count_write(key: Key, day: str, most: int, otherwise: store.Refusal) -> Update:
    counted = store.counter_write(key, "mails", 1, most, otherwise)
    return replace(
        counted,
        expression=f"{counted.expression} SET expires = :expires",
        values={**counted.values, ":expires": _expires(f"{day}T00:00:00Z") + _EXPIRY_SLACK_SECONDS},
    )
