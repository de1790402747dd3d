"""Sessions: a tenant's back end mints a session, and a rep's browser redeems it once.

The minting counts against the month's quota. A session that gets no call returns its unit: it has expired, its drill
does not exist, or the transport is down.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.accounts.models import Caller
from switchboard.aws import reads, writes
from switchboard.aws.writes import Writes, commit
from switchboard.errors import Forbidden, Invalid, Unavailable
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.kit import chance, clock, ids, texts
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision, StaleVersionError
from switchboard.roleplay import lifecycle, store, tokens, transports
from switchboard.roleplay.catalog import drills, personas
from switchboard.roleplay.catalog.drills import Drill
from switchboard.roleplay.catalog.models import Persona
from switchboard.roleplay.jobs import ExpireSession
from switchboard.roleplay.models import DrillRequest, RoleplayCall, RoleplaySession, SessionState
from switchboard.roleplay.transports import Ticket
from switchboard.timers import service as timers
from switchboard.usage import service as usage

#: The usage counter for the plan's `roleplays_per_month`.
ROLEPLAY_COUNTER = "roleplays"
#: Longer than any redemption that began in time.
_GRACE = timedelta(minutes=1)

#: Chooses a persona. Tests replace it.
choose_persona_index: Callable[[int], int] = chance.below


class SessionWithToken(NamedTuple):
    """A session and its token. The token is returned only once."""

    session: RoleplaySession
    token: str


@dataclass(frozen=True, slots=True)
class Admission:
    """A valid token's session, which may be redeemed once."""

    session: RoleplaySession
    #: The drills that the tenant has switched off.
    switched_off: frozenset[str]


class CallWithTicket(NamedTuple):
    """A call that waits for its rep, and the rep's ticket."""

    call: RoleplayCall
    ticket: Ticket


def mint_session(caller: Caller, external_user_id: str, external_agency_id: str | None) -> SessionWithToken:
    """Mints a session for one of the tenant's reps. Raises QuotaExceeded at the month's quota."""
    now, expires = clock.now_iso(), tokens.token_expiry()
    session = RoleplaySession(
        id=ids.new_id("ext"),
        org_id=caller.org_id,
        external_user_id=external_user_id,
        external_agency_id=external_agency_id,
        correlation_id=caller.correlation_id,
        period=now[:7],
        sliced=caller.organization.terms.sliced,
        minted_by=caller.key.id,
        created_at=now,
        updated_at=now,
        expires_at=clock.format_iso(expires),
    )
    subject = Subject(type="roleplay_session", id=session.id, version=session.version)
    event_write = events.new_event_write(
        caller, "roleplay.session.minted", subject, user=texts.digest(external_user_id)
    )
    expiry = timers.schedule(ExpireSession(org_id=session.org_id, session_id=session.id), expires + _GRACE)
    org = caller.organization
    usage.commit_within(
        [usage.monthly_charge(org, session.period, ROLEPLAY_COUNTER, org.terms.roleplays_per_month)],
        store.SESSIONS.create_write(session),
        expiry.write,
        event_write,
    )
    return SessionWithToken(session, tokens.make_token(session.org_id, session.id, expires))


def admit_token(token: str) -> Admission:
    """Validates a session token. Raises Unauthenticated, or Forbidden if the tenant is not active.

    A refusal does not spend the token.
    """
    claims = tokens.verify_token(token)
    session = store.SESSIONS.get_object(*claims)
    if session is None:
        raise tokens.invalid_token()
    if session.state is not SessionState.MINTED:
        raise _spent_error(session.state)
    org, switched_off = reads.read_refs(
        organizations.organization_ref(claims.org_id), store.drill_switches_ref(claims.org_id)
    )
    if org is None:
        raise tokens.invalid_token()
    if org.status != "active":
        raise Forbidden("The tenant is not active: contact support.", code="organization_inactive")
    return Admission(session, switched_off or frozenset())


def redeem_session(admission: Admission, wanted: DrillRequest) -> CallWithTicket:
    """Spends the token with one conditional write, before any other step, and create its call.

    Raises Unauthenticated if another request has spent the token, Invalid if the drill does not exist, Unavailable if
    the transport is down. The token is spent in all three cases (docs/contracts/athos.md#errors).
    """
    session = _spend_token(admission.session)
    drill = drills.current(wanted.drill_key)
    if drill is None or drill.key in admission.switched_off:
        _fail_session(session, "drill_not_found")
        raise Invalid(
            f"There is no such drill: send one of {_known_drills(admission.switched_off)}. This request has used up the"
            " session token: mint a new one.",
            code="drill_not_found",
        )
    call = _new_call(session, drill, _choose_persona(drill, wanted))
    try:
        ticket = transports.named(call.transport).make_ticket(lifecycle.room_of(call))
    except transports.Down:
        _fail_session(session, "transport_down")
        raise Unavailable("The voice service is down: mint a new token later.", retry_after=30) from None
    started = _moved(session, SessionState.STARTED, call_id=call.id)
    try:
        commit(store.SESSIONS.save_write(started), lifecycle.creation_writes(call))
    except StaleVersionError:
        # The redemption took so long that the session has expired.
        raise tokens.expired_token() from None
    return CallWithTicket(call, ticket)


def _spend_token(session: RoleplaySession) -> RoleplaySession:
    spent = _moved(session, SessionState.REDEEMED, redeemed_at=clock.now_iso())
    try:
        writes.write_item(store.SESSIONS.save_write(spent))
    except StaleVersionError:
        found = store.SESSIONS.get_object(session.org_id, session.id)
        raise _spent_error(found.state if found else SessionState.EXPIRED) from None
    return spent


def _known_drills(switched_off: Collection[str]) -> str:
    return ", ".join(name for name in drills.names() if name not in switched_off)


def _spent_error(state: SessionState) -> Exception:
    if state is SessionState.EXPIRED:
        return tokens.expired_token()
    return tokens.used_token(failed=state is SessionState.FAILED)


def _choose_persona(drill: Drill, wanted: DrillRequest) -> Persona:
    found = personas.candidates(drill.pool, wanted.difficulty, wanted.state)
    return found[choose_persona_index(len(found))]


def _new_call(session: RoleplaySession, drill: Drill, persona: Persona) -> RoleplayCall:
    now = clock.now_iso()
    return RoleplayCall(
        id=ids.new_nanoid("athos_call_"),
        org_id=session.org_id,
        session_id=session.id,
        external_user_id=session.external_user_id,
        external_agency_id=session.external_agency_id,
        drill_key=drill.key,
        drill_version=drill.version,
        persona=persona,
        correlation_id=session.correlation_id,
        transport=transports.name(),
        created_at=now,
        updated_at=now,
    )


def expire_session(org_id: str, session_id: str) -> None:
    """Ends an expired session without a call. Does nothing for other sessions."""
    if not store.SESSIONS.change_object(org_id, session_id, _decide_expiry):
        telemetry.log_skip("the session has its call, or is over", org_id=org_id, session_id=session_id)


def _decide_expiry(session: RoleplaySession) -> Decision[RoleplaySession]:
    if session.state is SessionState.MINTED:
        return _end_without_call(session, SessionState.EXPIRED, "expired")
    if session.state is SessionState.REDEEMED:
        # The redemption stopped before it created the call.
        return _end_without_call(session, SessionState.FAILED, "interrupted")
    return None


def _fail_session(session: RoleplaySession, why: str) -> None:
    """Ends a session after its redemption has failed."""
    store.SESSIONS.change_object(
        session.org_id,
        session.id,
        lambda found: (
            _end_without_call(found, SessionState.FAILED, why) if found.state is SessionState.REDEEMED else None
        ),
    )


def _end_without_call(session: RoleplaySession, state: SessionState, why: str) -> Decision[RoleplaySession]:
    """Returns the change that ends a session without a call. It returns the session's unit of the quota."""
    ended = _moved(session, state, failure=why)
    return ended, [
        usage.refund_write(session.org_id, session.period, ROLEPLAY_COUNTER, sliced=session.sliced),
        _session_event_write(ended, f"roleplay.session.{state.value}", reason=why),
    ]


def _moved(session: RoleplaySession, state: SessionState, **facts: Any) -> RoleplaySession:
    assert session.can_become(state), f"{session.state} cannot become {state}"
    return next_version(session, state=state, **facts)


def _session_event_write(session: RoleplaySession, kind: str, **data: Any) -> Writes:
    origin = SystemActor(
        org_id=session.org_id,
        actor=Actor(type="system", id="roleplay"),
        agent_id=None,
        correlation_id=session.correlation_id,
    )
    subject = Subject(type="roleplay_session", id=session.id, version=session.version)
    return events.new_event_write(origin, kind, subject, **data)
