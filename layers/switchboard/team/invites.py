"""Invites: an admin invites an email address, and the person with that address accepts or declines."""

from __future__ import annotations

from datetime import timedelta

from switchboard.accounts.models import Organization
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Writes
from switchboard.email.address import normalize
from switchboard.errors import Conflict, DomainError, Invalid, NotFound, QuotaExceeded
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, ids, texts
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict
from switchboard.team import invite_mail, invite_store, store
from switchboard.team.models import Invite, Membership
from switchboard.team.permissions import Role

#: The maximum number of open invites of an organization. Their list has no pages.
MAX_OPEN_INVITES = 100
#: The maximum number of expired invites that the creation of a new invite deletes.
_MAX_STALE_DELETES = 20
#: The lifetime of an invite, in seconds.
INVITE_LIFETIME_SECONDS = 7 * 86_400


# ---- of an organization


def create_invite(
    origin: Origin, org: Organization, inviter: str, address: str, role: Role, effect: IdempotencyKey | None = None
) -> Invite:
    """Invites the owner of an address by mail. `inviter` is the name of the admin in that mail.

    The result is the same for addresses that belong to known people and for all others. Raises Invalid; Conflict for
    the address of a member, of an open invite, or one that the organization cannot mail; RateLimited for too many
    mails; QuotaExceeded beyond MAX_OPEN_INVITES.
    """
    from switchboard.email import service as email  # imported here so that other functions start without it

    wanted = fold_address(address)

    def attempt() -> Invite:
        if done := find_earlier_effect(effect):
            return _invite_of_earlier_run(org.id, done.subject_id)
        everyone, invites = store.get_team(org.id)
        _require_no_member(wanted, everyone)
        now = clock.now_iso()
        stale = [one for one in invites if not one.is_open(now)][:_MAX_STALE_DELETES]
        made, writes = invite_writes(origin, org, inviter, wanted, role, stale)
        done = commit_once(
            effect,
            made.id,
            writes,
            invite_mail.mail_count_writes(org, wanted),
            email.system_mail_writes(
                origin, None, wanted, invite_mail.invite_subject(org, made), invite_mail.invite_text(org, made)
            ),
        )
        return _invite_of_earlier_run(org.id, done.subject_id) if done else made

    made = retry_on_conflict(attempt)
    assert made is not None, "nothing here is recorded before"
    return made


def _invite_of_earlier_run(org_id: str, invite_id: str) -> Invite:
    found = store.get_invite(org_id, invite_id)
    if not found:
        raise NotFound(
            "An earlier request with this Idempotency-Key created an invite that is no longer open: use a new key."
        )
    return found


def invite_writes(
    origin: Origin,
    org: Organization,
    inviter: str,
    address: str,
    role: Role,
    stale: list[Invite] | None = None,
    *,
    is_first: bool = False,
) -> tuple[Invite, list[Writes]]:
    """Returns an invite and the writes that store it and delete `stale` invites. They send no mail.

    `is_first` means that the organization has never invited anybody, so nothing is read.

    Raises Conflict for an address with an open invite, RateLimited for an address with too many mails. The writes
    raise QuotaExceeded at commit beyond MAX_OPEN_INVITES, and StaleVersionError if the items have changed since they
    were read.
    """
    now, stale = clock.now(), stale or []
    made = Invite(
        id=ids.new_id("inv"),
        org_id=org.id,
        email=fold_address(address),
        role=role,
        invited_by=inviter,
        created_at=clock.format_iso(now),
        expires_at=clock.format_iso(now + timedelta(seconds=INVITE_LIFETIME_SECONDS)),
    )
    before = None if is_first else invite_store.get_mail_state(org.id, made.email)
    mailings = invite_mail.next_mail_state(before, made)
    told = {"role": role.value, "address": texts.digest(made.email)}
    event_write = events.new_event_write(origin, "team.invited", Subject(type="invite", id=made.id), **told)
    return made, [
        invite_store.mail_state_write(made.email, mailings, StaleVersionError),
        *invite_store.invite_writes(made),
        *(invite_store.expired_invite_delete_write(one, StaleVersionError) for one in stale),
        store.invite_count_write(org.id, 1 - len(stale), MAX_OPEN_INVITES, invite_limit_reached),
        event_write,
    ]


def _require_no_member(address: str, everyone: list[Membership]) -> None:
    if any((one.email or "").casefold() == address for one in everyone):
        raise Conflict(
            "A member of the organization already has this address: invite another address.", code="already_member"
        )


def invite_limit_reached(_: list[Item | None]) -> DomainError:
    return QuotaExceeded(
        f"The organization has {MAX_OPEN_INVITES} open invites, which is the limit: revoke one first.",
        code="invite_limit",
        limit=MAX_OPEN_INVITES,
    )


def fold_address(address: str) -> str:
    """Normalizes an address for invites. Letter case is ignored, as mail providers do today."""
    try:
        return normalize(address).casefold()
    except ValueError:
        raise Invalid(
            "This is not an email address: write it like ada@example.com.", fields={"email": "is not an email address"}
        ) from None


def revoke_invite(origin: Origin, invite_id: str, effect: IdempotencyKey | None = None) -> None:
    """Revokes an open invite. Raises NotFound if it was accepted, declined or revoked, or has expired."""
    if find_earlier_effect(effect):
        return

    def attempt() -> None:
        found = store.get_invite(origin.org_id, invite_id)
        if not found or not found.is_open(clock.now_iso()):
            raise no_such_invite()
        end_invite(origin, found, "team.invite_revoked", effect)

    retry_on_conflict(attempt)


def end_invite(
    origin: Origin, invite: Invite, kind: str, effect: IdempotencyKey | None, next_mail_at: str | None = None
) -> None:
    event_write = events.new_event_write(origin, kind, Subject(type="invite", id=invite.id), role=invite.role.value)
    commit_once(
        effect,
        invite.id,
        invite_store.open_invite_delete_writes(invite, StaleVersionError, next_mail_at),
        store.invite_count_write(invite.org_id, -1, MAX_OPEN_INVITES, invite_limit_reached),
        event_write,
    )


def no_such_invite() -> NotFound:
    return NotFound("There is no such invite: check its id.")


# ---- of a person
