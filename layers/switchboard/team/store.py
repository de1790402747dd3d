"""Members, and the counters of a team, in the `core` table.

| item | pk | sk |
|---|---|---|
| member | `<org>` | `team#member#<user>` |
| invite (`invite_store`) | `<org>` | `team#invite#<id>` |
| the numbers of members, admins and stored invites | `<org>` | `team` |
| pointer from a person to an organization | `user#<user>` | `org#<org>` |
| the number of a person's organizations | `user#<user>` | `orgs` |

The last two, a pointer and a counter, belong to no organization.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import ConditionCheck, Delete, Put, Update, room_condition
from switchboard.team.models import Invite, Membership
from switchboard.team.permissions import Role

_MEMBER, _INVITE = "team#member#", "team#invite#"

#: The form of ids in a request. Other text is not looked up: it may be too long for a table key.
MEMBER_OR_INVITE_ID = re.compile(r"(usr|inv)_[0-9a-z]{26}")

Refusal = Callable[[list[Item | None]], Exception]


def member_ref(org_id: str, user_id: str) -> Ref[Membership]:
    """Returns the reference to a membership."""
    return Ref("core", {"pk": org_id, "sk": f"{_MEMBER}{user_id}"}, Membership.model_validate)


def invite_ref(org_id: str, invite_id: str) -> Ref[Invite]:
    """Returns the reference to an invite."""
    return Ref("core", {"pk": org_id, "sk": f"{_INVITE}{invite_id}"}, Invite.model_validate)


def _counts_key(org_id: str) -> Key:
    return {"pk": org_id, "sk": "team"}


def _person(user_id: str) -> str:
    return f"user#{user_id}"


def _pointer_key(user_id: str, org_id: str) -> Key:
    return {"pk": _person(user_id), "sk": f"org#{org_id}"}


def get_member(org_id: str, user_id: str) -> Membership | None:
    return reads.read_ref(member_ref(org_id, user_id)) if MEMBER_OR_INVITE_ID.fullmatch(user_id) else None


def get_invite(org_id: str, invite_id: str) -> Invite | None:
    return reads.read_ref(invite_ref(org_id, invite_id)) if MEMBER_OR_INVITE_ID.fullmatch(invite_id) else None


def get_team(org_id: str) -> tuple[list[Membership], list[Invite]]:
    """Returns all members and all invites of an organization, a few hundred at most, with one query."""
    members, invites = [], []
    for item in Query(table="core", partition=org_id, begins="team#").read_all():
        if item["sk"].startswith(_MEMBER):
            members.append(Membership.model_validate(item))
        else:
            invites.append(Invite.model_validate(item))
    return members, invites


# ---- members


def member_writes(member: Membership, otherwise: Refusal) -> list[Put]:
    pointer = {**_pointer_key(member.user_id, member.org_id), "org_id": member.org_id}
    return [
        Put(
            table="core",
            item={**member_ref(member.org_id, member.user_id).key, **member.model_dump(mode="json")},
            unless_exists=True,
            otherwise=otherwise,
        ),
        Put(table="core", item=pointer),
    ]


def member_delete_writes(member: Membership, otherwise: Refusal) -> list[Delete]:
    """Returns the writes that remove a member, if the role is the one that was read. The counters depend on it."""
    return [
        Delete(
            table="core",
            key=member_ref(member.org_id, member.user_id).key,
            condition="#role = :role",
            names={"#role": "role"},
            values={":role": member.role.value},
            otherwise=otherwise,
        ),
        Delete(table="core", key=_pointer_key(member.user_id, member.org_id)),
    ]


def role_change_write(member: Membership, role: Role, otherwise: Refusal) -> Update:
    """Returns the write that changes a member's role, if the role is the one that was read."""
    return Update(
        table="core",
        key=member_ref(member.org_id, member.user_id).key,
        expression="SET #role = :new",
        names={"#role": "role"},
        values={":new": role.value, ":role": member.role.value},
        condition="#role = :role",
        otherwise=otherwise,
    )


def member_change_write(org_id: str, user_id: str, changes: dict[str, Any]) -> Update:
    return Update.set_attributes("core", member_ref(org_id, user_id).key, changes)


def member_check(org_id: str, user_id: str, roles: Sequence[Role], otherwise: Refusal) -> ConditionCheck:
    """Returns the check that a person is still a member with one of these roles."""
    values = {f":role{number}": role.value for number, role in enumerate(roles)}
    return ConditionCheck(
        table="core",
        key=member_ref(org_id, user_id).key,
        condition=f"#role IN ({', '.join(values)})",
        names={"#role": "role"},
        values=values,
        otherwise=otherwise,
    )


def list_organization_ids(user_id: str, most: int) -> list[str]:
    """Returns the ids of a person's organizations, up to `most`."""
    page = Query(table="core", partition=_person(user_id), begins="org#").read_page(most)
    return [item["org_id"] for item in page.items]


# ---- counts


def member_count_write(
    org_id: str,
    members: int,
    admins: int,
    most: int,
    otherwise: Refusal,
    *,
    invites: int = 0,
    needs_admin: bool = True,
) -> Update:
    """Returns the write that adds to the numbers of members and admins.

    It fails beyond `most` members, and if no admin would be left, unless the organization no longer `needs_admin`.
    `invites` changes the number of invites in the same item, for a new member who has used one.
    """
    conditions, values = [], {":members": members, ":admins": admins, ":invites": invites}
    if members > 0:
        conditions.append(room_condition("members", ":room", most - members))
        values[":room"] = most - members
    if admins < 0 and needs_admin:
        conditions.append("admins > :leaving")
        values[":leaving"] = -admins
    return Update(
        table="core",
        key=_counts_key(org_id),
        expression="ADD members :members, admins :admins, invites :invites",
        values=values,
        condition=" AND ".join(conditions) or None,
        otherwise=otherwise,
    )


def invite_count_write(org_id: str, step: int, most: int, otherwise: Refusal) -> Update:
    """Returns the write that adds `step` to the number of stored invites. It fails for an addition beyond `most`."""
    counted = counter_write(_counts_key(org_id), "invites", step, most, otherwise)
    # A deletion never fails, even if there are more invites than allowed.
    return counted if step > 0 else replace(counted, condition=None, values={":step": step})


def organization_count_write(user_id: str, step: int, most: int, otherwise: Refusal | None = None) -> Update:
    """Returns the write that adds `step` to the number of a person's organizations. It fails beyond `most`."""
    counted = counter_write({"pk": _person(user_id), "sk": "orgs"}, "places", step, most, otherwise)
    return counted if step > 0 else replace(counted, condition=None, values={":step": step})


def counter_write(key: Key, counter: str, step: int, most: int, otherwise: Refusal | None) -> Update:
    """Returns the write that adds `step` to a counter of an item. It fails beyond `most`."""
    return Update(
        table="core",
        key=key,
        expression=f"ADD {counter} :step",
        values={":step": step, ":room": most - step},
        condition=room_condition(counter, ":room", most - step),
        otherwise=otherwise,
    )
