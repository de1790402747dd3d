"""Sessions: minted by a tenant's back end, redeemed once by a rep's browser.

A session takes its place in the month's quota as it is minted, and gives it back if no call comes of it: because it
expires, because there is no such drill, or because the transport takes nobody in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from switchboard.accounts import service as accounts
from switchboard.accounts.models import Caller
from switchboard.aws import chance, clock, ids, secret, table
from switchboard.aws.table import ConditionFailedError, Item, Writes, commit
from switchboard.carriers import transport
from switchboard.carriers.transport import Ticket
from switchboard.errors import Forbidden, Invalid, Unavailable
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.roleplay import lifecycle, store, tokens
from switchboard.roleplay.catalogue import drills, personas
from switchboard.roleplay.catalogue.drills import Drill
from switchboard.roleplay.jobs import ExpireSession
from switchboard.roleplay.models import Call, Persona, Session, SessionState, Wanted
from switchboard.timers import service as timers
from switchboard.usage import service as usage

#: What is counted against the plan's `roleplays_per_month`.
COUNTER = "roleplays"
#: Longer than a redemption that began in time may take.
_GRACE = timedelta(minutes=1)

#: How a persona is chosen. Tests replace it.
choose: Callable[[int], int] = chance.below


class Minted(NamedTuple):
    """A session and its token, which exists only in this answer."""

    session: Session
    token: str


@dataclass(frozen=True, slots=True)
class Admission:
    """The bearer of a good token, who may redeem it once."""

    session: Session
    #: The drills that the tenant has switched off.
    switched_off: frozenset[str]


class Redeemed(NamedTuple):
    """A call that awaits its rep, and the ticket to it."""

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
        store.put_session(session),
        expiry.write,
        events.record(event),
    )
    return Minted(session, tokens.make(session.org_id, session.id, expires))


def admit(token: str) -> Admission:
    """Let the bearer of a session token in. Raises Unauthenticated, or Forbidden where the tenant is not active.

    A tenant that was suspended since the minting is refused with the token unspent.
    """
    claims = tokens.read(token)
    session = store.get_session(*claims)
    if session is None:
        raise tokens.invalid()
    if session.state is not SessionState.MINTED:
        raise _spent(session.state)
    org, switches = table.get_many("core", [accounts.org_key_of(claims.org_id), store.drills_key(claims.org_id)])
    if org is None:
        raise tokens.invalid()
    if accounts.org_from_item(org).status != "active":
        raise Forbidden("The tenant is not active.", code="organization_inactive")
    return Admission(session, frozenset(store.switched_off(switches)))


def redeem(admission: Admission, wanted: Wanted) -> Redeemed:
    """Spend the token, by one conditional write and before anything else, and make the call that it is for.

    Raises Unauthenticated where the token was spent meanwhile, Invalid where there is no such drill, Unavailable
    where the transport is down: the token is spent in all three (conventions.md 2.3).
    """
    session = _spend(admission.session)
    drill = drills.current(wanted.drill_key)
    if drill is None or drill.key in admission.switched_off:
        _fail(session, SessionState.FAILED, "drill_not_found")
        raise Invalid("There is no such drill.", code="drill_not_found")
    call = _call(session, drill, _cast(drill, wanted))
    try:
        ticket = transport.named(call.transport).ticket(lifecycle.room(call))
    except transport.Down:
        _fail(session, SessionState.FAILED, "transport_down")
        raise Unavailable("The voice transport is down: mint another token in a while.", retry_after=30) from None
    started = _next(session, SessionState.STARTED, call_id=call.id)
    commit(store.move_session(started, session.state), lifecycle.creation(call))
    return Redeemed(call, ticket)


def _spend(session: Session) -> Session:
    spent = _next(session, SessionState.REDEEMED, redeemed_at=clock.stamp(), redemption=ids.new("rdm"))
    try:
        table.write(store.move_session(spent, session.state))
    except ConditionFailedError as failed:
        found: Item = failed.item or {}
        if found.get("redemption") != spent.redemption:
            raise _spent(SessionState(found.get("state", SessionState.EXPIRED))) from None
        # It was this very write: its answer was lost, and it was made again.
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
        transport=transport.name(),
        created_at=now,
        updated_at=now,
    )


def expire(org_id: str, session_id: str) -> None:
    """End a session whose time is up and that no call came of. Does nothing for any other."""
    session = store.get_session(org_id, session_id)
    if session is None:
        return
    if session.state is SessionState.MINTED:
        _fail(session, SessionState.EXPIRED, "expired")
    elif session.state is SessionState.REDEEMED:
        # Whoever redeemed it was stopped on the way.
        _fail(session, SessionState.FAILED, "interrupted")


def _fail(session: Session, state: SessionState, why: str) -> None:
    """End a session without a call, and give its place in the quota back."""
    ended = _next(session, state, failure=why)
    commit(
        store.move_session(ended, session.state),
        usage.giving_back(session.org_id, session.period, COUNTER, sliced=session.sliced),
        _event(ended, f"roleplay.session.{state.value}", reason=why),
    )


def _next(session: Session, state: SessionState, **facts: Any) -> Session:
    assert session.can_become(state), f"{session.state} cannot become {state}"
    return session.model_copy(
        update={**facts, "state": state, "version": session.version + 1, "updated_at": clock.stamp()}
    )


def _event(session: Session, kind: str, **data: Any) -> Writes:
    origin = Work(
        org_id=session.org_id,
        actor=Actor(type="system", id="roleplay"),
        agent_id=None,
        correlation_id=session.correlation_id,
    )
    subject = Subject(type="roleplay_session", id=session.id, version=session.version)
    return events.record(events.of(origin, kind, subject, **data))
