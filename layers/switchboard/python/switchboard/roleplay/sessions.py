"""Sessions: a tenant's back end mints a session, and a rep's browser redeems it once.

The minting counts against the month's quota. A session that gets no call returns its unit: it has expired, its drill
does not exist, or the transport is down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from switchboard.accounts import service as accounts
from switchboard.accounts.models import Caller
from switchboard.aws import chance, clock, ids, secret, table
from switchboard.aws.table import Writes, commit
from switchboard.errors import Forbidden, Invalid, Unavailable
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.kit.change import Change, Moved
from switchboard.kit.collection import moved
from switchboard.roleplay import lifecycle, store, tokens, transports
from switchboard.roleplay.catalog import drills, personas
from switchboard.roleplay.catalog.drills import Drill
from switchboard.roleplay.catalog.models import Persona
from switchboard.roleplay.jobs import ExpireSession
from switchboard.roleplay.models import Call, Session, SessionState, Wanted
from switchboard.roleplay.transports import Ticket
from switchboard.timers import service as timers
from switchboard.usage import service as usage

#: The usage counter for the plan's `roleplays_per_month`.
COUNTER = "roleplays"
#: Longer than any redemption that began in time.
_GRACE = timedelta(minutes=1)

#: Chooses a persona. Tests replace it.
choose: Callable[[int], int] = chance.below


class Minted(NamedTuple):
    """A session and its token. The token is returned only once."""

    session: Session
    token: str


@dataclass(frozen=True, slots=True)
class Admission:
    """A valid token's session, which may be redeemed once."""

    session: Session
    #: The drills that the tenant has switched off.
    switched_off: frozenset[str]


class Redeemed(NamedTuple):
    """A call that waits for its rep, and the rep's ticket."""

    call: Call
    ticket: Ticket


def mint(caller: Caller, external_user_id: str, external_agency_id: str | None) -> Minted:
    """Mint a session for one of the tenant's reps. Raises QuotaExceeded at the month's quota."""
    now, expires = clock.stamp(), tokens.expiry()
    session = Session(
        id=ids.new("ext"),
        org_id=caller.org_id,
        external_user_id=external_user_id,
        external_agency_id=external_agency_id,
        correlation_id=caller.correlation_id,
        period=now[:7],
        sliced=caller.organisation.terms.sliced,
        minted_by=caller.key.id,
        created_at=now,
        updated_at=now,
        expires_at=clock.iso(expires),
    )
    subject = Subject(type="roleplay_session", id=session.id, version=session.version)
    event = events.of(caller, "roleplay.session.minted", subject, user=secret.digest(external_user_id))
    expiry = timers.later(ExpireSession(org_id=session.org_id, session_id=session.id), expires + _GRACE)
    org = caller.organisation
    usage.commit_within(
        [usage.within_month(org, session.period, COUNTER, org.terms.roleplays_per_month)],
        store.SESSIONS.put(session),
        expiry.write,
        events.record(event),
    )
    return Minted(session, tokens.make(session.org_id, session.id, expires))


def admit(token: str) -> Admission:
    """Validate a session token. Raises Unauthenticated, or Forbidden if the tenant is not active.

    A refusal does not spend the token.
    """
    claims = tokens.read(token)
    session = store.SESSIONS.get(*claims)
    if session is None:
        raise tokens.invalid()
    if session.state is not SessionState.MINTED:
        raise _spent(session.state)
    org, switches = table.get_many("core", [accounts.org_key_of(claims.org_id), store.drills_key(claims.org_id)])
    if org is None:
        raise tokens.invalid()
    if accounts.org_from_item(org).status != "active":
        raise Forbidden("The tenant is not active: contact support.", code="organization_inactive")
    return Admission(session, frozenset(store.switched_off(switches)))


def redeem(admission: Admission, wanted: Wanted) -> Redeemed:
    """Spend the token with one conditional write, before any other step, and create its call.

    Raises Unauthenticated if another request has spent the token, Invalid if the drill does not exist, Unavailable if
    the transport is down. The token is spent in all three cases (docs/contracts/athos.md#errors).
    """
    session = _spend(admission.session)
    drill = drills.current(wanted.drill_key)
    if drill is None or drill.key in admission.switched_off:
        _fail(session, "drill_not_found")
        raise Invalid("There is no such drill, and the token is spent: mint a new one.", code="drill_not_found")
    call = _call(session, drill, _cast(drill, wanted))
    try:
        ticket = transports.named(call.transport).ticket(lifecycle.room(call))
    except transports.Down:
        _fail(session, "transport_down")
        raise Unavailable("The voice transport is down: mint a new token later.", retry_after=30) from None
    started = _moved(session, SessionState.STARTED, call_id=call.id)
    try:
        commit(store.SESSIONS.save(started), lifecycle.creation(call))
    except Moved:
        # The redemption took so long that the session has expired.
        raise tokens.expired() from None
    return Redeemed(call, ticket)


def _spend(session: Session) -> Session:
    spent = _moved(session, SessionState.REDEEMED, redeemed_at=clock.stamp())
    try:
        table.write(store.SESSIONS.save(spent))
    except Moved:
        found = store.SESSIONS.get(session.org_id, session.id)
        raise _spent(found.state if found else SessionState.EXPIRED) from None
    return spent


def _spent(state: SessionState) -> Exception:
    return tokens.expired() if state is SessionState.EXPIRED else tokens.used()


def _cast(drill: Drill, wanted: Wanted) -> Persona:
    found = personas.candidates(drill.pool, wanted.difficulty, wanted.state)
    return found[choose(len(found))]


def _call(session: Session, drill: Drill, persona: Persona) -> Call:
    now = clock.stamp()
    return Call(
        id=ids.nano("athos_call_"),
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


def expire(org_id: str, session_id: str) -> None:
    """End an expired session without a call. Does nothing for other sessions."""
    store.SESSIONS.change(org_id, session_id, _expired)


def _expired(session: Session) -> Change[Session]:
    if session.state is SessionState.MINTED:
        return _ended(session, SessionState.EXPIRED, "expired")
    if session.state is SessionState.REDEEMED:
        # The redemption stopped before it created the call.
        return _ended(session, SessionState.FAILED, "interrupted")
    return None


def _fail(session: Session, why: str) -> None:
    """End a session after its redemption has failed."""
    store.SESSIONS.change(
        session.org_id,
        session.id,
        lambda found: _ended(found, SessionState.FAILED, why) if found.state is SessionState.REDEEMED else None,
    )


def _ended(session: Session, state: SessionState, why: str) -> Change[Session]:
    """Return the change that ends a session without a call. It returns the session's unit of the quota."""
    ended = _moved(session, state, failure=why)
    return ended, [
        usage.giving_back(session.org_id, session.period, COUNTER, sliced=session.sliced),
        _event(ended, f"roleplay.session.{state.value}", reason=why),
    ]


def _moved(session: Session, state: SessionState, **facts: Any) -> Session:
    assert session.can_become(state), f"{session.state} cannot become {state}"
    return moved(session, state=state, **facts)


def _event(session: Session, kind: str, **data: Any) -> Writes:
    origin = Work(
        org_id=session.org_id,
        actor=Actor(type="system", id="roleplay"),
        agent_id=None,
        correlation_id=session.correlation_id,
    )
    subject = Subject(type="roleplay_session", id=session.id, version=session.version)
    return events.record(events.of(origin, kind, subject, **data))
