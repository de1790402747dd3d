"""Members and invites in the `core` table.

| item | pk | sk |
|---|---|---|
| member | `<org>` | `team#member#<user>` |
| invite | `<org>` | `team#invite#<id>` |
| how many members, admins and stored invites there are | `<org>` | `team` |
| the open invite of an address, and its mails | `<org>` | `invited#<digest of address>` |
| how many invites were mailed on a day | `<org>` | `invite-mails#<day>` |
| a person's organisation | `user#<user>` | `org#<org>` |
| how many organizations a person has | `user#<user>` | `orgs` |
| an address' invite | `invitee#<digest of address>` | `<invite>` |
| how many invites a mailbox was mailed on a day | `invitee#<digest of mailbox>` | `mails#<day>` |

The last four are not an organization's own: two pointers, and two counters. `expires` (seconds since 1970) is the
attribute by which DynamoDB deletes pointers, mails and daily counters that are over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from switchboard.aws import clock, secret, table
from switchboard.aws.table import Delete, Item, Key, Put, Query, Update, room_for
from switchboard.team.models import Invite, Mailings, Membership
from switchboard.team.permissions import Role

_MEMBER, _INVITE = "team#member#", "team#invite#"
#: DynamoDB deletes an item this long after it is over, in seconds: until then everyone who reads it still finds it.
_SLACK = 86_400
#: How many pointers one read brings, and how many reads there are at most.
_POINTERS, _READS = 50, 4

#: The ids that a request may name: anything else is no key, too long for one perhaps.
_ID = re.compile(r"(usr|inv)_[0-9a-z]{26}")

Otherwise = Callable[[list[Item | None]], Exception]


def member_key(org_id: str, user_id: str) -> Key:
    return {"pk": org_id, "sk": f"{_MEMBER}{user_id}"}


def invite_key(org_id: str, invite_id: str) -> Key:
    return {"pk": org_id, "sk": f"{_INVITE}{invite_id}"}


def _counts_key(org_id: str) -> Key:
    return {"pk": org_id, "sk": "team"}


def _mailings_key(org_id: str, email: str) -> Key:
    return {"pk": org_id, "sk": f"invited#{secret.digest(email)}"}


def _person(user_id: str) -> str:
    return f"user#{user_id}"


def _pointer_key(user_id: str, org_id: str) -> Key:
    return {"pk": _person(user_id), "sk": f"org#{org_id}"}


def _invitee(email: str) -> str:
    return f"invitee#{secret.digest(email)}"


def _expires(stamp: str) -> int:
    return int(clock.parse(stamp).timestamp()) + _SLACK


def read_member(item: Item) -> Membership:
    return Membership.model_validate(item)


def read_invite(item: Item) -> Invite:
    return Invite.model_validate(item)


def get_member(org_id: str, user_id: str) -> Membership | None:
    item = table.get("core", member_key(org_id, user_id)) if _ID.fullmatch(user_id) else None
    return read_member(item) if item else None


def get_invite(org_id: str, invite_id: str) -> Invite | None:
    item = table.get("core", invite_key(org_id, invite_id)) if _ID.fullmatch(invite_id) else None
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


# ---- members


def put_member(member: Membership, otherwise: Otherwise) -> list[Put]:
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


def remove_member(member: Membership, otherwise: Otherwise) -> list[Delete]:
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


def change_role(member: Membership, role: Role, otherwise: Otherwise) -> Update:
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


def orgs_of(user_id: str, most: int) -> list[str]:
    """The organisations that a person belongs to."""
    page = Query(table="core", partition=_person(user_id), begins="org#").page(most)
    return [item["org_id"] for item in page.items]


# ---- counts


def count_members(
    org_id: str, members: int, admins: int, most: int, otherwise: Otherwise, *, invites: int = 0
) -> Update:
    """Count members and admins who come or go: never more than `most`, and never the last admin away.

    `invites` counts the invite that a new member has used, in the same item.
    """
    conditions, values = [], {":members": members, ":admins": admins, ":invites": invites}
    if members > 0:
        conditions.append(room_for("members", ":room", most - members))
        values[":room"] = most - members
    if admins < 0:
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


def count_invites(org_id: str, step: int, most: int, otherwise: Otherwise) -> Update:
    """Count invites that are stored or removed: more of them only up to `most`."""
    counted = _counting(_counts_key(org_id), "invites", step, most, otherwise)
    # Fewer are always welcome, also where there are more than there may be.
    return counted if step > 0 else replace(counted, condition=None, values={":step": step})


def count_places(user_id: str, step: int, most: int, otherwise: Otherwise | None = None) -> Update:
    """Count the organizations of a person: `most` at most."""
    counted = _counting({"pk": _person(user_id), "sk": "orgs"}, "places", step, most, otherwise)
    return counted if step > 0 else replace(counted, condition=None, values={":step": step})


def count_mails_of_org(org_id: str, day: str, most: int, otherwise: Otherwise) -> Update:
    """Count a mail of an organization's invites on a day (UTC): `most` at most."""
    return _counting_mails({"pk": org_id, "sk": f"invite-mails#{day}"}, day, most, otherwise)


def count_mails_to(mailbox: str, day: str, most: int, otherwise: Otherwise) -> Update:
    """Count a mail that a mailbox gets for an invite on a day (UTC), from all organizations: `most` at most."""
    return _counting_mails({"pk": _invitee(mailbox), "sk": f"mails#{day}"}, day, most, otherwise)


def _counting_mails(key: Key, day: str, most: int, otherwise: Otherwise) -> Update:
    counted = _counting(key, "mails", 1, most, otherwise)
    return replace(
        counted,
        expression=f"{counted.expression} SET expires = :expires",
        values={**counted.values, ":expires": _expires(f"{day}T00:00:00Z") + _SLACK},
    )


def _counting(key: Key, counter: str, step: int, most: int, otherwise: Otherwise | None) -> Update:
    return Update(
        table="core",
        key=key,
        expression=f"ADD {counter} :step",
        values={":step": step, ":room": most - step},
        condition=room_for(counter, ":room", most - step),
        otherwise=otherwise,
    )


# ---- invites


def get_mailings(org_id: str, email: str) -> Mailings | None:
    item = table.get("core", _mailings_key(org_id, email))
    return Mailings.model_validate({"invite_id": None, **item}) if item else None


def put_mailings(email: str, mailings: Mailings, otherwise: Otherwise) -> Put:
    """Write the next state of an address' invites, if it still follows the one that was read."""
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


def put_invite(invite: Invite) -> list[Put]:
    pointer: Item = {
        "pk": _invitee(invite.email),
        "sk": invite.id,
        "org_id": invite.org_id,
        "expires_at": invite.expires_at,
        "expires": _expires(invite.expires_at),
    }
    item = {**invite_key(invite.org_id, invite.id), **invite.model_dump(mode="json")}
    return [Put(table="core", item=item), Put(table="core", item=pointer)]


def drop_invite(invite: Invite, otherwise: Otherwise) -> Delete:
    """Remove an invite that is over. Its pointer goes by itself."""
    return Delete(
        table="core",
        key=invite_key(invite.org_id, invite.id),
        condition="attribute_exists(pk)",
        otherwise=otherwise,
    )


def take_invite(invite: Invite, otherwise: Otherwise, next_mail_at: str | None = None) -> list[Delete | Update]:
    """Take an open invite away with its pointer: for the one who accepts, declines or revokes it first.

    `next_mail_at` keeps the organization from mailing the address again before then.
    """
    held = next_mail_at is not None
    return [
        drop_invite(invite, otherwise),
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


def find_org_of_invite(email: str, invite_id: str) -> str | None:
    """The organization whose invite of that id is for an address."""
    pointer = table.get("core", {"pk": _invitee(email), "sk": invite_id}) if _ID.fullmatch(invite_id) else None
    return str(pointer["org_id"]) if pointer else None


def open_pointers(email: str, now: str) -> Iterator[list[tuple[str, str]]]:
    """The organization and the id of each open invite of an address, newest first, a page at a time."""
    query = Query(table="core", partition=_invitee(email), begins="inv_", forward=False)
    start: Item | None = None
    for _ in range(_READS):
        page = query.page(_POINTERS, start)
        yield [(item["org_id"], item["sk"]) for item in page.items if item["expires_at"] > now]
        start = page.next_key
        if start is None:
            return
