"""Members, roles and invites: their rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

from switchboard.accounts import service as accounts
from switchboard.accounts.models import Organisation
from switchboard.aws import clock, ids, secret, settings, table
from switchboard.aws.effect import AlreadyDone, Effect
from switchboard.aws.table import Item, Key, Writes, commit
from switchboard.email import address as addresses
from switchboard.errors import Conflict, DomainError, Invalid, NotFound, QuotaExceeded
from switchboard.events import service as events
from switchboard.events.models import Actor, Origin, Subject, Work
from switchboard.people.models import User
from switchboard.team import store
from switchboard.team.models import Invite, Membership
from switchboard.team.permissions import PERMISSIONS, Permission, Role

#: An organisation's members and open invites, and a person's organisations: the lists of them are never paged.
MOST_MEMBERS, MOST_INVITES, MOST_ORGANISATIONS = 500, 100, 50
#: How many invites that are over go with a new one.
_STALE_AT_ONCE = 20
#: How long an invite may be accepted, in seconds.
INVITE_LIFETIME = 7 * 86_400
_INVITATION = """\
Hello,

{inviter} invites you to work with {organisation} on Switchboard, as {role}.

Sign in with this address, {email}, until {day} (UTC), and you are in:

{url}

If you don't know {inviter}, do nothing: the invite ends by itself, and you will not hear from us again.
"""


class Team(NamedTuple):
    """Everyone in an organisation, and everyone who may join it."""

    members: list[Membership]
    invites: list[Invite]


class Place(NamedTuple):
    """An organisation that a person belongs to, and what they are there."""

    organisation: Organisation
    role: Role


class _RaceError(Exception):
    """What was read has changed meanwhile."""

    def __init__(self, _: list[Item | None]) -> None:
        super().__init__("changed meanwhile")


def listing(org_id: str) -> Team:
    """The team: members in the order of their names, open invites newest first."""
    members, invites = store.team(org_id)
    now = clock.stamp()
    return Team(
        sorted(members, key=lambda one: (one.name.casefold(), one.user_id)),
        sorted((one for one in invites if one.open(now)), key=lambda one: one.id, reverse=True),
    )


def permissions(role: Role) -> list[Permission]:
    """What a role may do."""
    return sorted(PERMISSIONS[role])


# ---- organisations of a person


def found(
    user: User,
    org: Organisation,
    correlation_id: str,
    effect: Effect | None,
    also: Callable[[str], Writes],
) -> Organisation:
    """Open an organisation with a person as its admin, and do what else is to happen with its id.

    Raises QuotaExceeded when they belong to too many, and what the other writes raise.
    """
    origin = _work(org.id, user, correlation_id)
    try:
        if effect:
            effect.require_new()
        _require_place_for_another(user.id)
        commit(
            effect.marker(org.id) if effect else None,
            accounts.opening(origin, org),
            joining(origin, user, Role.ADMIN),
            also(org.id),
        )
    except AlreadyDone as done:
        return accounts.organisation(done.subject_id)
    return org


def slug(name: str) -> str:
    """An organisation's name as it may stand in an address."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "organization"


def _require_place_for_another(user_id: str) -> None:
    if len(store.orgs_of(user_id, MOST_ORGANISATIONS)) >= MOST_ORGANISATIONS:
        raise QuotaExceeded(
            f"A person belongs to at most {MOST_ORGANISATIONS} organisations.",
            code="organization_limit",
            limit=MOST_ORGANISATIONS,
        )


def places_of(user_id: str) -> list[Place]:
    """The organisations that a person belongs to, in the order of their names."""
    org_ids = store.orgs_of(user_id, MOST_ORGANISATIONS)
    if not org_ids:
        return []
    keys = [key for org_id in org_ids for key in (accounts.org_key_of(org_id), store.member_key(org_id, user_id))]
    items = table.get_many("core", keys)
    places = [
        Place(accounts.org_from_item(org), store.read_member(member).role)
        for org, member in zip(items[::2], items[1::2], strict=True)
        if org and member
    ]
    return sorted(places, key=lambda place: (place.organisation.name.casefold(), place.organisation.id))


def arrive(user: User) -> str | None:
    """Let a person who signs in join where they are invited. Answers the organisation that they see first, if any.

    Whoever belongs somewhere already goes on there: an invite, which anybody may send, takes nobody away from it.
    """
    before = [place.organisation.id for place in places_of(user.id)]
    joined = accept_all(user)
    if user.last_org_id in before:
        return user.last_org_id
    return next(iter([*before, *joined]), None)


def require_place(user_id: str, org_id: str) -> None:
    """Raise NotFound unless a person belongs to an organisation."""
    if not store.get_member(org_id, user_id):
        raise NotFound("There is no such organisation.")


def member_key_of(org_id: str, user_id: str) -> tuple[str, Key]:
    """Where a membership is stored, for a reader that fetches it along with other items."""
    return "core", store.member_key(org_id, user_id)


def member_from_item(item: Item) -> Membership:
    """The membership that such an item holds."""
    return store.read_member(item)


def note_activity(member: Membership, user: User) -> None:
    """Record when a member was here, and how their issuer calls them now. Best effort."""
    changes = {"last_active_at": clock.stamp(), "name": user.name, "email": user.email}
    with suppress(Exception):
        table.write(store.change_member(member.org_id, member.user_id, changes))


# ---- roles


def change_role(origin: Origin, user_id: str, role: Role, effect: Effect | None = None) -> Membership:
    """Give a member another role, from their next request on.

    Raises NotFound, or Conflict for the last admin, who stays one.
    """
    before = _member(origin.org_id, user_id)
    if before.role is role:
        return before
    event = events.of(
        origin,
        "team.role_changed",
        Subject(type="user", id=user_id),
        role=role.value,
        before=before.role.value,
    )
    admins = (role is Role.ADMIN) - (before.role is Role.ADMIN)
    try:
        commit(
            effect.marker(user_id) if effect else None,
            store.change_role(before, role, _RaceError),
            store.count(origin.org_id, 0, admins, MOST_MEMBERS, _last_admin) if admins else None,
            events.record(event),
        )
    except AlreadyDone:
        return _member(origin.org_id, user_id)
    except _RaceError:
        return change_role(origin, user_id, role, effect)
    return before.model_copy(update={"role": role})


def remove(origin: Origin, user_id: str, effect: Effect | None = None) -> None:
    """Take a person out of the organisation, from their next request on; the person stays known.

    Raises NotFound, or Conflict for the last admin.
    """
    if _done(effect):
        return
    before = _member(origin.org_id, user_id)
    event = events.of(origin, "team.member_removed", Subject(type="user", id=user_id), role=before.role.value)
    try:
        commit(
            effect.marker(user_id) if effect else None,
            store.remove_member(before, _RaceError),
            store.count(origin.org_id, -1, -(before.role is Role.ADMIN), MOST_MEMBERS, _last_admin),
            events.record(event),
        )
    except AlreadyDone:
        return
    except _RaceError:
        remove(origin, user_id, effect)


def _member(org_id: str, user_id: str) -> Membership:
    found = store.get_member(org_id, user_id)
    if not found:
        raise NotFound("There is no such member.")
    return found


def _last_admin(_: list[Item | None]) -> DomainError:
    return Conflict("The organisation's last admin stays one: make somebody else an admin first.", code="last_admin")


# ---- invites


def invite(
    origin: Origin, org: Organisation, inviter: str, address: str, role: Role, effect: Effect | None = None
) -> Invite:
    """Invite the owner of an address, by mail and in somebody's name.

    Answers the same whether or not anybody of that address is known. Raises Invalid, Conflict for a member's address
    or one that is invited already, QuotaExceeded beyond MOST_INVITES.
    """
    from switchboard.email import service as email  # which whoever invites nobody starts without

    wanted = _folded(address)
    members, invites = store.team(org.id)
    now = clock.stamp()
    stale = [one for one in invites if not one.open(now)]
    try:
        if effect:
            effect.require_new()
        _require_invitable(wanted, members, len(invites) - len(stale))
        made, writes = inviting(origin, org, inviter, wanted, role)
        commit(
            effect.marker(made.id) if effect else None,
            writes,
            [store.drop_invite(one) for one in stale[:_STALE_AT_ONCE]],
            email.system_mail(origin, None, wanted, _subject(org, made), _letter(org, made)),
        )
    except AlreadyDone as done:
        found = store.get_invite(org.id, done.subject_id)
        if not found:
            raise NotFound("The invite was accepted or revoked meanwhile.") from None
        return found
    return made


def inviting(origin: Origin, org: Organisation, inviter: str, address: str, role: Role) -> tuple[Invite, list[Writes]]:
    """An invite without a mail, and the writes that store it. Raises Conflict at commit for an address that has one."""
    now = clock.now()
    made = Invite(
        id=ids.new("inv"),
        org_id=org.id,
        email=_folded(address),
        role=role,
        invited_by=inviter,
        created_at=clock.iso(now),
        expires_at=clock.iso(now + timedelta(seconds=INVITE_LIFETIME)),
    )
    told = {"role": role.value, "address": secret.digest(made.email)}
    event = events.of(origin, "team.invited", Subject(type="invite", id=made.id), **told)
    return made, [*store.put_invite(made, made.created_at, _invited), events.record(event)]


def _require_invitable(address: str, members: list[Membership], open_invites: int) -> None:
    if any((one.email or "").casefold() == address for one in members):
        raise Conflict("A member has this address.", code="already_member")
    if open_invites >= MOST_INVITES:
        raise QuotaExceeded(
            f"At most {MOST_INVITES} invites are open at a time: revoke some first.",
            code="invite_limit",
            limit=MOST_INVITES,
        )


def _folded(address: str) -> str:
    """An address as invites know it. Whoever owns one owns it in any letter case, at any provider of today."""
    try:
        return addresses.normalise(address).casefold()
    except ValueError:
        raise Invalid("This is no e-mail address.", fields={"email": "is no e-mail address"}) from None


def _invited(_: list[Item | None]) -> DomainError:
    return Conflict("This address has an open invite: revoke it to send another.", code="already_invited")


def _subject(org: Organisation, made: Invite) -> str:
    return f"{_line(made.invited_by)} invites you to {_line(org.name)}"


def _line(name: str) -> str:
    """A name as it may stand in a line of a mail: what people call themselves is not ours."""
    return " ".join(name.split())[:100]


def _letter(org: Organisation, made: Invite) -> str:
    return _INVITATION.format(
        inviter=_line(made.invited_by),
        organisation=_line(org.name),
        role=f"{'a' if made.role is Role.VIEWER else 'an'} {made.role.value}",
        email=made.email,
        day=made.expires_at[:10],
        url=console(),
    )


def console() -> str:
    """Where people sign in."""
    return settings.text("PUBLIC_URL", "") + "/auth/login"


def revoke(origin: Origin, invite_id: str, effect: Effect | None = None) -> None:
    """Take an open invite back. Raises NotFound for one that is accepted, revoked or over."""
    if _done(effect):
        return
    found = store.get_invite(origin.org_id, invite_id)
    if not found or not found.open(clock.stamp()):
        raise NotFound("There is no such invite.")
    event = events.of(origin, "team.invite_revoked", Subject(type="invite", id=invite_id), role=found.role.value)
    try:
        commit(
            effect.marker(invite_id) if effect else None,
            store.take_invite(found, _RaceError),
            events.record(event),
        )
    except AlreadyDone:
        return
    except _RaceError:
        raise NotFound("There is no such invite.") from None


def _done(effect: Effect | None) -> bool:
    """Whether an earlier run of this request has had its effect."""
    if effect:
        try:
            effect.require_new()
        except AlreadyDone:
            return True
    return False


def accept_all(user: User) -> list[str]:
    """Let a person in wherever their address is invited, if their issuer has verified that it is theirs.

    Answers the organisations that they joined.
    """
    if not user.email or not user.email_verified:
        return []
    now = clock.stamp()
    try:
        address = _folded(user.email)
    except Invalid:
        return []
    open_ones = [one for one in store.invites_of(address) if one.open(now)]
    room = MOST_ORGANISATIONS - len(store.orgs_of(user.id, MOST_ORGANISATIONS)) if open_ones else 0
    return [one.org_id for one in open_ones[:room] if _accept(user, one)]


def _accept(user: User, invite: Invite) -> bool:
    origin = _work(invite.org_id, user, ids.new("corr"))
    try:
        commit(store.take_invite(invite, _RaceError), joining(origin, user, invite.role, invite.id))
    except _RaceError:
        return False
    except _AlreadyInError:
        # They were in under another address: the invite has nothing to give.
        with suppress(_RaceError):
            commit(store.take_invite(invite, _RaceError))
        return False
    except QuotaExceeded:
        return False
    return True


class _AlreadyInError(Exception):
    """The person is a member already."""

    def __init__(self, _: list[Item | None]) -> None:
        super().__init__("a member already")


def joining(origin: Origin, user: User, role: Role, invite_id: str | None = None) -> list[Writes]:
    """The writes that make a person a member. Raises QuotaExceeded at commit beyond MOST_MEMBERS."""
    now = clock.stamp()
    membership = Membership(
        org_id=origin.org_id,
        user_id=user.id,
        role=role,
        email=user.email,
        name=user.name,
        joined_at=now,
        last_active_at=now,
    )
    event = events.of(origin, "team.member_joined", Subject(type="user", id=user.id), role=role.value, invite=invite_id)
    return [
        *store.put_member(membership, _AlreadyInError),
        store.count(origin.org_id, 1, int(role is Role.ADMIN), MOST_MEMBERS, _full),
        events.record(event),
    ]


def _full(_: list[Item | None]) -> DomainError:
    return QuotaExceeded(
        f"An organisation has at most {MOST_MEMBERS} members.", code="member_limit", limit=MOST_MEMBERS
    )


def _work(org_id: str, user: User, correlation_id: str) -> Work:
    return Work(org_id=org_id, actor=Actor(type="user", id=user.id), agent_id=None, correlation_id=correlation_id)
