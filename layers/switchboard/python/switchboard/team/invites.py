"""Invites: an admin makes them for an address, and the person whose address it is chooses which to accept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from switchboard.accounts import service as accounts
from switchboard.accounts.models import Organisation
from switchboard.aws import clock, ids, secret, table
from switchboard.aws.effect import Effect, commit_once, done_before
from switchboard.aws.table import Check, Item, Writes
from switchboard.email import address as addresses
from switchboard.errors import Conflict, DomainError, Invalid, NotFound, QuotaExceeded
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit.change import Moved, again
from switchboard.people.models import User
from switchboard.team import invite_store, mailing, members, places, store
from switchboard.team.models import Invite, Membership, PendingInvite, PendingInvites, Place
from switchboard.team.permissions import Role

#: An organization's open invites; the list of them is never paged.
MOST_INVITES = 100
#: A person's invites that are shown, and that are counted.
MOST_SHOWN, MOST_COUNTED = 20, 50
#: How many invites that are over go with a new one.
_STALE_AT_ONCE = 20
#: How long an invite may be accepted, in seconds.
INVITE_LIFETIME = 7 * 86_400


# ---- of an organization


def create_invite(
    origin: Origin, org: Organisation, inviter: str, address: str, role: Role, effect: Effect | None = None
) -> Invite:
    """Invite the owner of an address, by mail and in somebody's name.

    Answers the same for an address that is known here and one that is not. Raises Invalid, Conflict for a member's
    address, one that is invited already and one that the organization's mail does not reach, RateLimited for too much
    mail, QuotaExceeded beyond MOST_INVITES.
    """
    from switchboard.email import service as email  # a function that invites nobody starts without it

    wanted = _folded(address)

    def attempt() -> Invite:
        if done := done_before(effect):
            return _made_before(org.id, done.subject_id)
        everyone, invites = store.team(org.id)
        _require_stranger(wanted, everyone)
        now = clock.stamp()
        stale = [one for one in invites if not one.open(now)][:_STALE_AT_ONCE]
        made, writes = invite_writes(origin, org, inviter, wanted, role, stale)
        done = commit_once(
            effect,
            made.id,
            writes,
            mailing.counting_writes(org, wanted),
            email.system_mail(origin, None, wanted, mailing.subject(org, made), mailing.letter(org, made)),
        )
        return _made_before(org.id, done.subject_id) if done else made

    made = again(attempt)
    assert made is not None, "nothing here is recorded before"
    return made


def _made_before(org_id: str, invite_id: str) -> Invite:
    found = store.get_invite(org_id, invite_id)
    if not found:
        raise NotFound("The invite was accepted, declined or revoked meanwhile.")
    return found


def invite_writes(
    origin: Origin,
    org: Organisation,
    inviter: str,
    address: str,
    role: Role,
    stale: list[Invite] | None = None,
    *,
    is_first: bool = False,
) -> tuple[Invite, list[Writes]]:
    """An invite without a mail, and the writes that store it in place of `stale` ones.

    `is_first` says that the organization has invited nobody before: then nothing is read.

    Raises Conflict for an address that has one, RateLimited for one that is mailed too much. The writes raise
    QuotaExceeded at commit beyond MOST_INVITES, Moved when others changed what was read.
    """
    now, stale = clock.now(), stale or []
    made = Invite(
        id=ids.new("inv"),
        org_id=org.id,
        email=_folded(address),
        role=role,
        invited_by=inviter,
        created_at=clock.iso(now),
        expires_at=clock.iso(now + timedelta(seconds=INVITE_LIFETIME)),
    )
    before = None if is_first else invite_store.get_mailings(org.id, made.email)
    mailings = mailing.next_mailings(before, made)
    told = {"role": role.value, "address": secret.digest(made.email)}
    event = events.of(origin, "team.invited", Subject(type="invite", id=made.id), **told)
    return made, [
        invite_store.put_mailings(made.email, mailings, Moved),
        *invite_store.put_invite(made),
        *(invite_store.drop_invite(one, Moved) for one in stale),
        store.count_invites(org.id, 1 - len(stale), MOST_INVITES, _too_many),
        events.record(event),
    ]


def _require_stranger(address: str, everyone: list[Membership]) -> None:
    if any((one.email or "").casefold() == address for one in everyone):
        raise Conflict("A member has this address.", code="already_member")


def _too_many(_: list[Item | None]) -> DomainError:
    return QuotaExceeded(
        f"At most {MOST_INVITES} invites are open at a time: revoke some first.",
        code="invite_limit",
        limit=MOST_INVITES,
    )


def _folded(address: str) -> str:
    """An address as invites know it: its owner owns it in any letter case, at any provider of today."""
    try:
        return addresses.normalise(address).casefold()
    except ValueError:
        raise Invalid("This is no e-mail address.", fields={"email": "is no e-mail address"}) from None


def revoke_invite(origin: Origin, invite_id: str, effect: Effect | None = None) -> None:
    """Take an open invite back. Raises NotFound for one that is accepted, declined, revoked or over."""
    if done_before(effect):
        return

    def attempt() -> None:
        found = store.get_invite(origin.org_id, invite_id)
        if not found or not found.open(clock.stamp()):
            raise _no_such_invite()
        _end(origin, found, "team.invite_revoked", effect)

    again(attempt)


def _end(origin: Origin, invite: Invite, kind: str, effect: Effect | None, next_mail_at: str | None = None) -> None:
    event = events.of(origin, kind, Subject(type="invite", id=invite.id), role=invite.role.value)
    commit_once(
        effect,
        invite.id,
        invite_store.take_invite(invite, Moved, next_mail_at),
        store.count_invites(invite.org_id, -1, MOST_INVITES, _too_many),
        events.record(event),
    )


def _no_such_invite() -> NotFound:
    return NotFound("There is no such invite.")


# ---- of a person


def pending_of(user: User) -> PendingInvites:
    """The invites that a person may accept, newest first: those for an address that their issuer has verified."""
    found: list[PendingInvite] = []
    address = _address_of(user)
    for pointers in invite_store.open_pointers(address, clock.stamp()) if address else ():
        found += _read_pending(pointers)
        if len(found) >= MOST_COUNTED:
            break
    return PendingInvites(found[:MOST_SHOWN], min(len(found), MOST_COUNTED))


def _read_pending(pointers: list[tuple[str, str]]) -> list[PendingInvite]:
    """The invites at some pointers, without those that are over and those of organizations that are gone."""
    if not pointers:
        return []
    now = clock.stamp()
    keys = [key for org_id, id_ in pointers for key in (store.invite_key(org_id, id_), accounts.org_key_of(org_id))]
    items = table.get_many("core", keys)
    read = [
        PendingInvite(store.read_invite(invite), accounts.org_from_item(org))
        for invite, org in zip(items[::2], items[1::2], strict=True)
        if invite and org
    ]
    return [one for one in read if one.invite.open(now) and one.organisation.status == "active"]


def _address_of(user: User) -> str | None:
    if not user.email or not user.email_verified:
        return None
    try:
        return _folded(user.email)
    except Invalid:
        return None


def _own_invite(user: User, invite_id: str) -> PendingInvite:
    address = _address_of(user)
    org_id = invite_store.find_org_of_invite(address, invite_id) if address else None
    for one in _read_pending([(org_id, invite_id)]) if org_id else ():
        return one
    raise _no_such_invite()


def accept_invite(
    user: User,
    invite_id: str,
    correlation_id: str,
    effect: Effect | None = None,
    also: Callable[[str], Writes] = lambda _: None,
) -> Place:
    """Make a person a member by an invite for an address of theirs. A member already stays what they are.

    Commits with it what `also` makes for the organization's id. Raises NotFound for an invite that is somebody else's
    or open no more, QuotaExceeded where the organization is full or the person is in too many.
    """

    def attempt() -> Place:
        if done := done_before(effect):
            return places.place_of(user.id, done.subject_id)
        invite, org = _own_invite(user, invite_id)
        origin = members.work_of(org.id, user, correlation_id)
        taken = invite_store.take_invite(invite, Moved)
        joined = members.membership_writes(origin, user, invite.role, invite)
        try:
            done = commit_once(effect, org.id, taken, joined, _still_active(org.id), also(org.id))
        except members.AlreadyInError:
            # They joined by another address: this invite has nothing to give.
            counted = store.count_invites(org.id, -1, MOST_INVITES, _too_many)
            commit_once(effect, org.id, taken, counted, also(org.id))
            return places.place_of(user.id, org.id)
        return places.place_of(user.id, done.subject_id) if done else Place(org, invite.role)

    place = again(attempt)
    assert place is not None, "nothing here is recorded before"
    return place


def _still_active(org_id: str) -> Check:
    return Check(
        table="core",
        key=accounts.org_key_of(org_id),
        condition="#status = :active",
        names={"#status": "status"},
        values={":active": "active"},
        otherwise=lambda _: _no_such_invite(),
    )


def decline_invite(user: User, invite_id: str, correlation_id: str, effect: Effect | None = None) -> None:
    """End an invite for a person's address. The organization may not mail the address again for some days.

    Raises NotFound for an invite that is somebody else's or open no more.
    """
    if done_before(effect):
        return

    def attempt() -> None:
        invite, org = _own_invite(user, invite_id)
        origin = members.work_of(org.id, user, correlation_id)
        _end(origin, invite, "team.invite_declined", effect, mailing.held_until())

    again(attempt)


def arrive(user: User, invite_id: str | None = None) -> str | None:
    """The organization that a person sees first when they sign in, if they are in any.

    The link of an invite lets them join when they are in none so far: following it is the choice. Another site can
    send a browser to such a link, so it never moves a person who belongs somewhere: they accept in the console.
    """
    before = [place.organisation.id for place in places.places_of(user.id)]
    if not before and invite_id:
        # A link that leads nowhere lets them sign in all the same.
        with suppress(DomainError):
            before = [accept_invite(user, invite_id, ids.new("corr")).organisation.id]
    return user.last_org_id if user.last_org_id in before else next(iter(before), None)
