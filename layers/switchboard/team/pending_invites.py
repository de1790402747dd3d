"""Invites from the side of the invited person: list, accept and decline them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from switchboard.accounts import organizations
from switchboard.aws import reads
from switchboard.aws.writes import ConditionCheck, Writes
from switchboard.errors import DomainError, Invalid
from switchboard.kit import clock, ids
from switchboard.people.models import User
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict
from switchboard.team import invite_mail, invite_store, members, memberships, store
from switchboard.team.invites import MAX_OPEN_INVITES, end_invite, fold_address, invite_limit_reached, no_such_invite
from switchboard.team.models import OrganizationRole, PendingInvite, PendingInvites

#: The maximum numbers of a person's invites that are shown, and that are counted.
MAX_INVITES_SHOWN, MAX_INVITES_COUNTED = 20, 50


def list_pending_invites(user: User) -> PendingInvites:
    """Returns the invites that a person may accept, newest first. The issuer must have verified the address."""
    found: list[PendingInvite] = []
    address = _address_of(user)
    for pointers in invite_store.list_open_invite_ids(address, clock.now_iso()) if address else ():
        found += _read_pending(pointers)
        if len(found) >= MAX_INVITES_COUNTED:
            break
    return PendingInvites(found[:MAX_INVITES_SHOWN], min(len(found), MAX_INVITES_COUNTED))


def _read_pending(pointers: list[tuple[str, str]]) -> list[PendingInvite]:
    """Reads the invites of pointers, without expired invites and without invites of inactive organizations."""
    if not pointers:
        return []
    now = clock.now_iso()
    pairs = [(store.invite_ref(org_id, id_), organizations.organization_ref(org_id)) for org_id, id_ in pointers]
    read = [PendingInvite(invite, org) for invite, org in reads.read_ref_pairs(pairs) if invite and org]
    return [one for one in read if one.invite.is_open(now) and one.organization.status == "active"]


def _address_of(user: User) -> str | None:
    if not user.email or not user.email_verified:
        return None
    try:
        return fold_address(user.email)
    except Invalid:
        return None


def _own_invite(user: User, invite_id: str) -> PendingInvite:
    address = _address_of(user)
    org_id = invite_store.find_organization_of_invite(address, invite_id) if address else None
    for one in _read_pending([(org_id, invite_id)]) if org_id else ():
        return one
    raise no_such_invite()


def accept_invite(
    user: User,
    invite_id: str,
    correlation_id: str,
    effect: IdempotencyKey | None = None,
    also: Callable[[str], Writes] = lambda _: None,
) -> OrganizationRole:
    """Makes a person a member by an invite for the person's address. An existing member keeps the old role.

    `also` returns writes for the organization's id, which join the commit. Raises NotFound for an invite that is for
    another address or no longer open, QuotaExceeded if the organization is full or the person is in too many.
    """

    def attempt() -> OrganizationRole:
        if done := find_earlier_effect(effect):
            return memberships.get_organization_role(user.id, done.subject_id)
        invite, org = _own_invite(user, invite_id)
        origin = members.origin_of_person(org.id, user, correlation_id)
        taken = invite_store.open_invite_delete_writes(invite, StaleVersionError)
        joined = members.membership_writes(origin, user, invite.role, invite)
        try:
            done = commit_once(effect, org.id, taken, joined, _still_active_check(org.id), also(org.id))
        except members.AlreadyMemberError:
            # The person already joined with another address. So only the invite is used up.
            counted = store.invite_count_write(org.id, -1, MAX_OPEN_INVITES, invite_limit_reached)
            commit_once(effect, org.id, taken, counted, also(org.id))
            return memberships.get_organization_role(user.id, org.id)
        return (
            memberships.get_organization_role(user.id, done.subject_id) if done else OrganizationRole(org, invite.role)
        )

    place = retry_on_conflict(attempt)
    assert place is not None, "nothing here is recorded before"
    return place


def _still_active_check(org_id: str) -> ConditionCheck:
    return ConditionCheck(
        table="core",
        key=organizations.organization_ref(org_id).key,
        condition="#status = :active",
        names={"#status": "status"},
        values={":active": "active"},
        otherwise=lambda _: no_such_invite(),
    )


def decline_invite(user: User, invite_id: str, correlation_id: str, effect: IdempotencyKey | None = None) -> None:
    """Declines an invite for a person's address. The organization cannot mail the address for a week.

    Raises NotFound for an invite that is for another address or no longer open.
    """
    if find_earlier_effect(effect):
        return

    def attempt() -> None:
        invite, org = _own_invite(user, invite_id)
        origin = members.origin_of_person(org.id, user, correlation_id)
        end_invite(origin, invite, "team.invite_declined", effect, invite_mail.declined_until())

    retry_on_conflict(attempt)


def choose_first_organization(user: User, invite_id: str | None = None) -> str | None:
    """Returns the organization of a new session, or `None` for a person without organizations.

    A person without organizations joins by following an invite's link. Another site can send a browser to such a link,
    so it changes nothing for a person who has an organization. Such a person accepts in the console.
    """
    before = [place.organization.id for place in memberships.list_organizations_of(user.id)]
    if not before and invite_id:
        # An invalid invite must not prevent the sign-in.
        with suppress(DomainError):
            before = [accept_invite(user, invite_id, ids.new_id("corr")).organization.id]
    return user.last_org_id if user.last_org_id in before else next(iter(before), None)
