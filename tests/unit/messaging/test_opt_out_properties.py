"""An opt-out is in force after its commit, with any texts and reports before and after it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from switchboard.aws.writes import commit
from switchboard.carriers.messages.ports.reports import IncomingText
from switchboard.kit import clock
from switchboard.messaging import incoming, reports, store
from switchboard.messaging.models import MessageStatus
from tests.actors import Tenant
from tests.unit.calls.console_calls import save_number
from tests.unit.messaging.desk import make_conversation, make_text
from tests.unit.messaging.inbox import incoming_text, opt_out_of, report

#: The texts of a plan, each with its request.
BODIES = {
    "STOP": "stop",
    "stop.": "stop",
    "please stop texting me": "stop",
    "START": "start",
    "yes": "start",
    "HELP": "help",
    "hello": "",
}


def latest(plan: list[IncomingText], request: str) -> str:
    return max((one.received_at for one in plan if BODIES[one.body] == request), default="")


@pytest.mark.parametrize("seed", range(25))
def test_no_text_from_before_the_latest_stop_ends_the_opt_out(
    acme: Tenant, frozen: clock.FrozenClock, seed: int
) -> None:
    """Texts come in any order and twice. No text from before the latest STOP ends its opt-out."""
    chance = random.Random(seed)
    number = save_number(acme.org_id)
    begin = clock.now()
    plan = [
        incoming_text(
            number,
            body,
            received_at=clock.format_iso(begin + timedelta(seconds=place, milliseconds=chance.randrange(900))),
        )
        for place, body in enumerate(chance.choices(list(BODIES), k=8))
    ]
    sent = make_text(make_conversation(acme.org_id, number_id=number.id), status=MessageStatus.ACCEPTED)
    commit(store.new_message_write(sent))
    frozen.advance(seconds=20)
    arrivals = plan + chance.sample(plan, 3)
    chance.shuffle(arrivals)
    handled: list[IncomingText] = []
    reported_after = chance.randrange(len(arrivals))
    for place, one in enumerate(arrivals):
        incoming.receive_text(one)
        if place == reported_after:
            reports.apply_report(report(sent, "delivered"))
        is_new = one not in handled
        handled.append(one)
        stopped, started = latest(handled, "stop"), latest(handled, "start")
        if is_new and BODIES[one.body] == "stop":
            assert opt_out_of(acme.org_id), "it is in force after its commit"
        if stopped and stopped >= started:
            assert opt_out_of(acme.org_id), "no earlier START ends it"


@pytest.mark.parametrize("seed", range(10))
def test_an_opt_out_with_the_carrier_is_in_force_among_other_reports(
    acme: Tenant, frozen: clock.FrozenClock, seed: int
) -> None:
    chance = random.Random(seed)
    number = save_number(acme.org_id)
    early_start = incoming_text(number, "START")
    frozen.advance(seconds=30)
    sent = make_text(make_conversation(acme.org_id, number_id=number.id), status=MessageStatus.SENDING)
    commit(store.new_message_write(sent))
    steps: list[Callable[[], None]] = [
        lambda: reports.apply_report(report(sent, "failed", error_code=21610)),
        lambda: reports.apply_report(report(sent, "sent")),
        lambda: reports.apply_report(report(sent, "delivered")),
        lambda: incoming.receive_text(early_start),
    ]
    chance.shuffle(steps)
    for step in steps:
        step()
    assert opt_out_of(acme.org_id) is not None
