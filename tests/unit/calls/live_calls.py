"""Calls for tests: placed, dialed and reported in one step, with their stored results."""

from __future__ import annotations

import json
from typing import Any

from switchboard.audit import service as audit
from switchboard.aws import clients
from switchboard.aws.writes import commit
from switchboard.calls import dialing, reports, service, store, talks, timeouts
from switchboard.calls.conversations import new_conversation
from switchboard.calls.models import Call, Order, Tier
from switchboard.carriers.voice import Conversation
from switchboard.carriers.voice.ports.reports import EndReason, Report, Turn
from switchboard.compliance import ledgers
from switchboard.kit import clock, settings
from switchboard.usage import service as usage
from tests.actors import Tenant
from tests.integration.sabotage import Stream, run_tick, scan_items

NOBODY = "+14155550142"


def build_order(**changes: Any) -> Order:
    return Order.model_validate({"to": NOBODY, "tier": "basic", "consent_source": "business-relationship"} | changes)


def place_call(acme: Tenant, **changes: Any) -> Call:
    return service.place_call(acme.caller(), build_order(**changes))


def read_call(call: Call) -> Call:
    found = store.CALLS.get_object(call.org_id, call.id)
    assert found is not None
    return found


def read_conversation(call: Call) -> Conversation:
    """Returns what the talker is told about a stored call now."""
    found = read_call(call)
    return new_conversation(store.add_texts(found), talks.get_flow(found))


def report_progress(call: Call, kind: str, **facts: Any) -> None:
    reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind=kind, **facts))


def dial_call(acme: Tenant, **changes: Any) -> Call:
    call = place_call(acme, **changes)
    dialing.dial_call(call.org_id, call.id)
    return read_call(call)


def list_actions(acme: Tenant, correlation_id: str = "corr_test") -> list[str]:
    entries, _ = audit.list_workflow_events(acme.caller(master=True), correlation_id, 500, None)
    return [entry.document["action"] for entry in entries]


def report_turn(call: Call, text: str, *, speaker: str = "caller", number: int = 3, final: bool = True) -> None:
    turn = Turn(number=number, speaker=speaker, text=text, start_ms=0, end_ms=900, final=final)
    report_progress(call, "turn", turn=turn)


def list_opt_outs(acme: Tenant) -> list[tuple[str, str]]:
    return [(one.e164, one.source) for one in ledgers.list_opt_outs(acme.org_id, 10)[0]]


def count_hang_ups() -> int:
    """Returns the number of queued jobs that hang up a call."""
    return count_jobs("HangUp")


def count_jobs(name: str) -> int:
    """Returns the number of queued jobs with a name."""
    bodies = [item["body"]["M"] for item in scan_items("activity") if "queue" in item]
    return sum(body["job"]["S"] == name for body in bodies)


def minutes_used(acme: Tenant) -> int:
    """Returns the basic minutes that are counted this month."""
    return usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["voice_basic"]


def build_unstored_call(acme: Tenant) -> Call:
    """Returns a call that is not stored."""
    return Call(
        id="call_x", org_id=acme.org_id, source="anima", tier=Tier.BASIC, from_number="+14155550100", to_number=NOBODY,
        voice_id="b", greeting="Hello.", order=build_order(), correlation_id="corr_x", provider="simulator",
        created_at=clock.now_iso(), updated_at=clock.now_iso(),
    )  # fmt: skip


def create_simulated_call(acme: Tenant) -> Call:
    """Store a call of a test key."""
    call = build_unstored_call(acme).model_copy(update={"order": build_order(simulated=True, to="+15005550006")})
    call = call.model_copy(update={"to_number": "+15005550006", "id": "call_simulated"})
    commit(store.CALLS.create_write(call))
    return call


def fire_timers(acme: Tenant) -> None:
    """Run the stream, the minute's tick and the dialer until all due work is done."""
    Stream().hand_on()
    run_tick()
    while (
        messages := clients.get_client("sqs")
        .receive_message(QueueUrl=settings.queue_url("dialer"), MaxNumberOfMessages=10)
        .get("Messages")
    ):
        for message in messages:
            body = json.loads(message["Body"])
            if body["job"] == "CloseCall":
                timeouts.close_call(body["org_id"], body["call_id"], body["state"])


def build_call(state: str) -> Call:
    """Returns a call that is not stored."""
    return Call.model_validate(
        {
            "id": "call_1",
            "org_id": "org_1",
            "source": "anima",
            "state": state,
            "tier": "basic",
            "from_number": "+15005550006",
            "to_number": NOBODY,
            "voice_id": "b",
            "greeting": "Hello.",
            "order": {"to": NOBODY, "tier": "basic"},
            "correlation_id": "corr_1",
            "provider": "simulator",
            "awaits_analysis": True,
            "created_at": clock.now_iso(),
            "updated_at": clock.now_iso(),
            "answered_at": clock.now_iso() if state == "active" else None,
        }
    )


def after_report(call: Call, kind: str, **facts: Any) -> Call:
    """Returns the call after a report, without a table."""
    told = Report.model_validate({"org_id": call.org_id, "call_id": call.id, "kind": kind, **facts})
    changed = reports.decide_report(call, told)
    return changed[0] if changed else call


def end_line(call: Call, **facts: Any) -> None:
    report_progress(call, "answered")
    report_progress(call, "ended", end_reason=EndReason.CALLER_HANGUP, duration_seconds=61, **facts)
