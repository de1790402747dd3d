"""Members and invites in the `core` table.

| item | pk | sk |
|---|---|---|
| member | `<org>` | `team#member#<user>` |
| invite | `<org>` | `team#invite#<id>` |
| how many members and admins there are | `<org>` | `team` |
| a person's organisation | `user#<user>` | `org#<org>` |
| an address' invite | `invitee#<digest of address>` | `<org>` |

The last two are look-ups, and hold pointers only.
"""

from __future__ import annotations

from typing import Any

from switchboard.aws import secret, table
from switchboard.aws.table import Delete, Item, Key, Put, Query, Update, room_for
from switchboard.team.models import Invite, Membership
from switchboard.team.permissions import Role

_MEMBER, _INVITE = "team#member#", "team#invite#"


def member_key(org_id: str, user_id: str) -> Key:
    return {"pk": org_id, "sk": f"{_MEMBER}{user_id}"}


def invite_key(org_id: str, invite_id: str) -> Key:
    return {"pk": org_id, "sk": f"{_INVITE}{invite_id}"}


def _counts_key(org_id: str) -> Key:
    return {"pk": org_id, "sk": "team"}


def _pointer_key(user_id: str, org_id: str) -> Key:
    return {"pk": f"user#{user_id}", "sk": f"org#{org_id}"}


def _invitee_key(email: str, org_id: str) -> Key:
    return {"pk": f"invitee#{secret.digest(email)}", "sk": org_id}


def read_member(item: Item) -> Membership:
    return Membership.model_validate(item)


def read_invite(item: Item) -> Invite:
    return Invite.model_validate(item)


def get_member(org_id: str, user_id: str) -> Membership | None:
    item = table.get("core", member_key(org_id, user_id))
    return read_member(item) if item else None


def get_invite(org_id: str, invite_id: str) -> Invite | None:
    item = table.get("core", invite_key(org_id, invite_id))
    return read_invite(item) if item else None


def team(org_id: str) -> tuple[list[Membership], list[Invite]]:
    """Everyone in an organisation, and everyone invited: a few hundred at most, in one range."""
    members, invites = [], []
    for item in Query(table="core", partition=org_id, begins="team#").all():
        if item["sk"].startswith(_MEMBER):
            members.append(read_member(item))
        else:
            invites.append(read_invite(item))
    return members, invites


def put_member(member: Membership, otherwise: Any) -> list[Put]:
    pointer = {**_pointer_key(member.user_id, member.org_id), "org_id": member.org_id}
    return [
        Put(
            table="core",
            item={**member_key(member.org_id, member.user_id), **member.model_dump(mode="json")},
            unless_exists=True,
            otherwise=otherwise,
        ),
        Put(table="core", item=pointer),
    ]


def remove_member(member: Membership, otherwise: Any) -> list[Delete]:
    """Remove a member, if the role is still the one that was read: the counts go by it."""
    return [
        Delete(
            table="core",
            key=member_key(member.org_id, member.user_id),
            condition="#role = :role",
            names={"#role": "role"},
            values={":role": member.role.value},
            otherwise=otherwise,
        ),
        Delete(table="core", key=_pointer_key(member.user_id, member.org_id)),
    ]


def change_role(member: Membership, role: Role, otherwise: Any) -> Update:
    """Change a member's role, if it is still the one that was read."""
    return Update(
        table="core",
        key=member_key(member.org_id, member.user_id),
        expression="SET #role = :new",
        names={"#role": "role"},
        values={":new": role.value, ":role": member.role.value},
        condition="#role = :role",
        otherwise=otherwise,
    )


def change_member(org_id: str, user_id: str, changes: dict[str, Any]) -> Update:
    return Update.of("core", member_key(org_id, user_id), changes)


def count(org_id: str, members: int, admins: int, most: int, otherwise: Any) -> Update:
    """Count members and admins who come or go: never more than `most`, and never the last admin away."""
    conditions, values = [], {":members": members, ":admins": admins}
    if members > 0:
        conditions.append(room_for("members", ":room", most - members))
        values[":room"] = most - members
    if admins < 0:
        conditions.append("admins > :leaving")
        values[":leaving"] = -admins
    return Update(
        table="core",
        key=_counts_key(org_id),
        expression="ADD members :members, admins :admins",
        values=values,
        condition=" AND ".join(conditions) or None,
        otherwise=otherwise,
    )


def put_invite(invite: Invite, now: str, otherwise: Any) -> list[Put]:
    """Store an invite, unless the address has one of this organisation that can still be accepted."""
    pointer = {
        **_invitee_key(invite.email, invite.org_id),
        "org_id": invite.org_id,
        "invite_id": invite.id,
        "expires_at": invite.expires_at,
    }
    return [
        Put(table="core", item={**invite_key(invite.org_id, invite.id), **invite.model_dump(mode="json")}),
        Put(
            table="core",
            item=pointer,
            condition="attribute_not_exists(pk) OR expires_at <= :now",
            values={":now": now},
            otherwise=otherwise,
        ),
    ]


def drop_invite(invite: Invite) -> Delete:
    return Delete(table="core", key=invite_key(invite.org_id, invite.id))


def take_invite(invite: Invite, otherwise: Any) -> list[Delete]:
    """Take an invite away with its pointer: for whoever accepts, or revokes, it first."""
    return [
        Delete(
            table="core",
            key=invite_key(invite.org_id, invite.id),
            condition="attribute_exists(pk)",
            otherwise=otherwise,
        ),
        Delete(
            table="core",
            key=_invitee_key(invite.email, invite.org_id),
            condition="invite_id = :id",
            values={":id": invite.id},
            otherwise=otherwise,
        ),
    ]


def invites_of(email: str) -> list[Invite]:
    """The invites of an address, of every organisation."""
    pointers = Query(table="core", partition=f"invitee#{secret.digest(email)}").page(100).items
    if not pointers:
        return []
    items = table.get_many("core", [invite_key(item["org_id"], item["invite_id"]) for item in pointers])
    return [read_invite(item) for item in items if item]


def orgs_of(user_id: str, most: int) -> list[str]:
    """The organisations that a person belongs to."""
    page = Query(table="core", partition=f"user#{user_id}", begins="org#").page(most)
    return [item["org_id"] for item in page.items]
