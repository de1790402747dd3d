"""Invites: an admin invites an email address, and the person with that address accepts or declines."""

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

#: The maximum number of open invites of an organization. Their list has no pages.
MOST_INVITES = 100
#: The maximum numbers of a person's invites that are shown, and that are counted.
MOST_SHOWN, MOST_COUNTED = 20, 50
#: The maximum number of expired invites that the creation of a new invite deletes.
_STALE_AT_ONCE = 20
#: The lifetime of an invite, in seconds.
INVITE_LIFETIME = 7 * 86_400


# ---- of an organization


def create_invite(
    origin: Origin, org: Organisation, inviter: str, address: str, role: Role, effect: Effect | None = None
) -> Invite:
    """Invite the owner of an address by mail. `inviter` is the name of the admin in that mail.

    The result is the same for addresses that belong to known people and for all others. Raises Invalid; Conflict for
    the address of a member, of an open invite, or one that the organization cannot mail; RateLimited for too many
    mails; QuotaExceeded beyond MOST_INVITES.
    """
    from switchboard.email import service as email  # imported here so that other functions start without it

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
        raise NotFound("This request was already done, and its invite was accepted, declined or revoked since.")
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
    """Return an invite and the writes that store it and delete `stale` invites. They send no mail.

    `is_first` means that the organization has never invited anybody, so nothing is read.

    Raises Conflict for an address with an open invite, RateLimited for an address with too many mails. The writes
    raise QuotaExceeded at commit beyond MOST_INVITES, and Moved if the items have changed since they were read.
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
        raise Conflict("A member of the organization already has this address.", code="already_member")


def _too_many(_: list[Item | None]) -> DomainError:
    return QuotaExceeded(
        f"The organization has {MOST_INVITES} open invites, which is the limit: revoke one first.",
        code="invite_limit",
        limit=MOST_INVITES,
    )


def _folded(address: str) -> str:
    """Normalize an address for invites. Letter case is ignored, as mail providers do today."""
    try:
        return addresses.normalise(address).casefold()
    except ValueError:
        raise Invalid(
            "This is not an email address: write it like ada@example.com.", fields={"email": "is not an email address"}
        ) from None


def revoke_invite(origin: Origin, invite_id: str, effect: Effect | None = None) -> None:
    """Revoke an open invite. Raises NotFound if it was accepted, declined or revoked, or has expired."""
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
    """Return the invites that a person may accept, newest first. The issuer must have verified the person's address."""
    found: list[PendingInvite] = []
    address = _address_of(user)
    for pointers in invite_store.open_pointers(address, clock.stamp()) if address else ():
        found += _read_pending(pointers)
        if len(found) >= MOST_COUNTED:
            break
    return PendingInvites(found[:MOST_SHOWN], min(len(found), MOST_COUNTED))


def _read_pending(pointers: list[tuple[str, str]]) -> list[PendingInvite]:
    """Read the invites of pointers, without expired invites and without invites of inactive organizations."""
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
    """Make a person a member by an invite for the person's address. An existing member keeps the old role.

    `also` returns writes for the organization's id, which join the commit. Raises NotFound for an invite that is for
    another address or no longer open, QuotaExceeded if the organization is full or the person is in too many.
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
            # The person already joined with another address. So only the invite is used up.
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
    """Decline an invite for a person's address. The organization cannot mail the address for a week.

    Raises NotFound for an invite that is for another address or no longer open.
    """
    if done_before(effect):
        return

    def attempt() -> None:
        invite, org = _own_invite(user, invite_id)
        origin = members.work_of(org.id, user, correlation_id)
        _end(origin, invite, "team.invite_declined", effect, mailing.held_until())

    again(attempt)


def arrive(user: User, invite_id: str | None = None) -> str | None:
    """Return the organization of a new session, or `None` for a person without organizations.

    A person without organizations joins by following an invite's link. Another site can send a browser to such a link,
    so it changes nothing for a person who has an organization. Such a person accepts in the console.
    """
    before = [place.organisation.id for place in places.places_of(user.id)]
    if not before and invite_id:
        # An invalid invite must not prevent the sign-in.
        with suppress(DomainError):
            before = [accept_invite(user, invite_id, ids.new("corr")).organisation.id]
    return user.last_org_id if user.last_org_id in before else next(iter(before), None)
