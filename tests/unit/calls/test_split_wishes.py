"""Wishes to stop that speech recognition splits into several turns."""

from __future__ import annotations

import pytest

from switchboard.calls import store, timeouts
from switchboard.calls.models import Call, State
from switchboard.carriers.voice.ports.reports import EndReason, Turn
from switchboard.compliance import ledgers
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.fakes.voice import Provider
from tests.unit.calls.live_calls import (
    dial_call,
    end_line,
    read_call,
    report_progress,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock, provider: Provider) -> Tenant:
    return tenant()


def has_opted_out(acme: Tenant) -> bool:
    return bool(ledgers.list_opt_outs(acme.org_id, 10)[0])


def report_numbered_turn(call: Call, number: int, text: str, *, speaker: str = "caller", final: bool = True) -> None:
    turn = Turn(number=number, speaker=speaker, text=text, start_ms=number, end_ms=number + 1, final=final)
    report_progress(call, "turn", turn=turn)


@pytest.mark.parametrize("order", [[1, 2], [2, 1]])
def test_a_wish_split_over_two_turns_is_detected(acme: Tenant, order: list[int]) -> None:
    texts = {1: "Please don't", 2: "call me again."}
    call = dial_call(acme)
    report_progress(call, "answered")
    for number in order:
        report_numbered_turn(call, number, texts[number])
    assert has_opted_out(acme)


def test_words_of_the_agent_are_not_part_of_a_wish(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    report_numbered_turn(call, 1, "Please don't", speaker="agent")
    report_numbered_turn(call, 2, "call me again.")
    assert not has_opted_out(acme)


def test_an_interim_wish_counts_if_the_person_hangs_up(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    report_numbered_turn(call, 1, "Please stop calling me", final=False)
    assert not has_opted_out(acme), "more words may follow"
    end_line(call)
    assert has_opted_out(acme)


def test_a_split_wish_is_detected_even_if_the_worker_was_killed_before(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    report_numbered_turn(call, 1, "Please stop calling me", final=False)

    def kill_worker(*_: str) -> list[Turn]:
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr(store, "list_turns", kill_worker)
        with pytest.raises(KeyboardInterrupt):
            report_progress(call, "ended", end_reason=EndReason.CALLER_HANGUP, duration_seconds=6)
    assert read_call(call).state is State.ENDING
    assert not has_opted_out(acme)
    report_progress(call, "ended", end_reason=EndReason.CALLER_HANGUP, duration_seconds=6)
    assert has_opted_out(acme)


def test_a_wish_after_an_assumed_end_hangs_up(acme: Tenant, provider: Provider, frozen: clock.FrozenClock) -> None:
    call = dial_call(acme)
    frozen.advance(seconds=181)
    timeouts.close_call(call.org_id, call.id, State.RINGING.value)
    assert read_call(call).provisional
    provider.ended.clear()
    report_progress(call, "answered")
    report_numbered_turn(call, 1, "Stop calling me.")
    timeouts.hang_up_call(call.org_id, call.id)
    assert len(provider.ended) == 1


def test_an_account_number_with_the_stop_key_is_not_a_wish(acme: Tenant) -> None:
    call = dial_call(acme)
    report_progress(call, "answered")
    report_progress(call, "dtmf", digits="4921")
    assert not has_opted_out(acme)
    report_progress(call, "dtmf", digits="9#")
    assert has_opted_out(acme)
