"""Calls without a telephone: the visitor of a page talks with a flow in a room (`carriers.rooms`).

Such a call is a call in. It rings until the visitor has joined the room. Its reports are those of other calls. No timer
of a call asks a telephone line about it: the session that made it ends it (`switchboard.widgets`).
"""

from __future__ import annotations

from datetime import datetime

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws.writes import Update, Writes
from switchboard.calls import acceptance, changes, lanes, lanes_store, reports, store, talks
from switchboard.calls.conversations import render_flow_greeting, render_flow_prompt
from switchboard.calls.holds import TalkHold
from switchboard.calls.lanes import Lane, Pool
from switchboard.calls.models import OVER_STATES, Call, Order, State, Tier, WidgetVisit
from switchboard.calls.spoken_texts import SpokenText, find_text
from switchboard.carriers import rooms
from switchboard.carriers.rooms import VoiceRoom
from switchboard.carriers.spoken import fill_variables
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.compliance import disclosures
from switchboard.compliance.disclosures import RequiredDisclosures
from switchboard.errors import RateLimited, Unavailable
from switchboard.flows.models import Flow
from switchboard.kit import clock, texts
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from switchboard.usage.service import Charge

ROOM_SOURCE = "widget"
#: The words in the place of numbers: of a visitor, and of our side. A number that a visitor entered may belong to
#: somebody else, who must not be opted out, counted or listed for what the visitor says.
NO_NUMBER, OUR_SIDE = "web", "widget"
#: The time that a visitor has to join the room.
JOIN_SECONDS = 60
#: The most visitors of one address or network at one time. More of them are rarely people, and each takes a line.
MAX_OF_ADDRESS = 3
_FALLBACK_NAME = "Visitor"
#: A visitor chose to talk, and knows with whom by the page. The law asks for the artificial voice (EU AI Act, 50(1)).
_NEEDS = RequiredDisclosures(identity=False, artificial=True, law=[])


def require_rooms() -> str:
    """Returns the provider of rooms. Raises Unavailable when there is none, and when the phone feature is off."""
    acceptance.require_phone()
    provider = rooms.provider_name()
    if provider == "none":
        raise Unavailable("Calls from a browser are not configured: ask the operator.", code="no_rooms")
    return provider


def new_room_call(org_id: str, call_id: str, flow: Flow, visit: WidgetVisit, correlation_id: str) -> Call:
    """Returns a call that rings until its visitor has joined. It is not stored yet. Raises Unavailable."""
    provider, now = require_rooms(), clock.now_iso()
    voices = rooms.named(provider).list_voices()
    spoken = next((one for one in voices if one.id == flow.voice), None) or next(
        one for one in voices if one.tier == Tier.BASIC
    )
    order = Order(
        to=OUR_SIDE,
        tier=Tier(spoken.tier),
        variables={"name": visit.name} if visit.name else {},
        metadata={"source": ROOM_SOURCE},
    )
    call = Call(
        id=call_id,
        org_id=org_id,
        source=ROOM_SOURCE,
        direction="INBOUND",
        state=State.RINGING,
        tier=order.tier,
        from_number=NO_NUMBER,
        to_number=OUR_SIDE,
        voice_id=spoken.id,
        order=order,
        widget=visit,
        correlation_id=correlation_id,
        provider=provider,
        created_at=now,
        updated_at=now,
        started_at=now,
    )
    return call.model_copy(update=talks.flow_facts(flow))


def find_lane(org: Organization, call: Call) -> Lane:
    """Returns a free lane for the talk. Raises Unavailable if none is left beside the one for telephone callers."""
    lane = lanes.find_lane_for_visitor(lanes.lane_pool(org, call))
    if lane is None:
        raise Unavailable("All lines are busy: try again in a minute.", code="lines_busy", retry_after=60)
    return lane


def find_address_lane(org_id: str, address: str) -> Lane:
    """Returns a place for one more visitor from an address or network. Raises RateLimited if there are too many."""
    lane = lanes.find_lane_for_visitor(Pool(org_id, f"address#{texts.digest(address)}", MAX_OF_ADDRESS))
    if lane is None:
        raise RateLimited(
            f"This address has {MAX_OF_ADDRESS} sessions already: end one first.",
            code="sessions_of_address",
            limit=MAX_OF_ADDRESS,
            remaining=0,
            retry_after=60,
        )
    return lane


def leave_address_write(org_id: str, ref: str, call_id: str) -> Update:
    """Returns the write that ends a visitor's use of an address (`Lane.ref`)."""
    name, _, number = ref.rpartition("|")
    return lanes_store.release_lane_writes(org_id, name, int(number), call_id)


def new_call_charge(org: Organization, call: Call, hold: TalkHold) -> Charge:
    """Returns the charge of the first minute and of those that the call holds. The end charges the others."""
    return usage.spending_charge(org, meter_of(call), 1, held=hold.minutes)


def meter_of(call: Call) -> Meter:
    """Returns the meter that counts a call's minutes."""
    return acceptance.METER[call.tier]


def new_call_writes(call: Call, lane: Lane) -> list[Writes]:
    """Returns the writes of a new call with its lane. They raise LaneTakenError at commit."""
    assert call.widget is not None, "only a widget brings visitors to rooms"
    told = changes.event_writes(
        call,
        "voice.call.received",
        widget_session=call.widget.session_id,
        tier=call.tier.value,
        flow=call.flow_id,
        flow_version=call.flow_version,
    )
    return [store.CALLS.create_write(call), lane.take_writes(call), told]


def room_of(call: Call, visitor_id: str, flow: Flow | None = None) -> VoiceRoom:
    """Returns the room of a call. With the flow it has the words of the voice AI."""
    name = call.widget.name if call.widget else None
    prompt = render_flow_prompt(call, flow) if flow else None
    return VoiceRoom(
        org_id=call.org_id,
        call_id=call.id,
        visitor_id=visitor_id,
        visitor_name=name or _FALLBACK_NAME,
        join_seconds=JOIN_SECONDS,
        agent_name=call.agent_name,
        voice_id=call.voice_id,
        greeting=fill_variables(_first_words(call, flow), call.order.variables) if flow else "",
        prompt=fill_variables(prompt, call.order.variables) if prompt else None,
    )


def _first_words(call: Call, flow: Flow) -> str:
    """Returns the flow's greeting. Before it come the record, if the flow announces it, and the artificial voice."""
    language = next((one.language for one in rooms.named(call.provider).list_voices() if one.id == call.voice_id), "")
    business = organizations.get_organization(call.org_id).name
    said = disclosures.add_disclosures(render_flow_greeting(call, flow), _NEEDS, business, language)
    return f"{find_text(SpokenText.RECORDED, language)} {said}" if flow.announce_recording else said


def begin_talk(org_id: str, call_id: str, visitor_id: str) -> None:
    """Lets the voice AI join the room of a call that waits for its visitor. Raises RoomDownError."""
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or call.state in OVER_STATES:
        telemetry.log_skip("the call is gone, or over", org_id=org_id, call_id=call_id)
        return
    rooms.named(call.provider).start_talk(room_of(call, visitor_id, talks.get_flow(call)))


def close_room(org_id: str, call_id: str) -> None:
    """Closes the room of a call that is over. Raises RoomDownError."""
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or call.state not in OVER_STATES:
        telemetry.log_skip("the call is gone, or goes on", org_id=org_id, call_id=call_id)
        return
    rooms.named(call.provider).close_room(org_id, call_id)


def note_visitor(call: Call) -> bool:
    """Whether a visitor is in the room of a call, by the room itself. A join that was not reported is recorded.

    Raises RoomDownError.
    """
    joined_at = rooms.named(call.provider).find_visitor(call.org_id, call.id)
    if joined_at is None:
        return False
    reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="answered", at=joined_at))
    return True


def end_room_call(org_id: str, call_id: str, reason: EndReason, at: datetime) -> None:
    """Ends a call from our side at a time that is not in the future. A call that is over stays as it is."""
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or call.state in OVER_STATES:
        telemetry.log_skip("the call is gone, or over", org_id=org_id, call_id=call_id)
        return
    talked = clock.seconds_between(clock.parse(call.answered_at), at) if call.answered_at else None
    reports.apply_report(
        Report(
            org_id=org_id,
            call_id=call_id,
            kind="ended",
            at=clock.format_iso(at),
            end_reason=reason if call.answered_at else EndReason.NO_ANSWER,
            # The length is ours to say, so that a late report of the room changes nothing. Without an answer it stays
            # open: a join that is reported late costs the time until this end.
            duration_seconds=talked,
        )
    )
