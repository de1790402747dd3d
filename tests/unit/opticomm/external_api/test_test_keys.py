"""Calls of a test key."""

from __future__ import annotations

import pytest

from switchboard.accounts.models import KeyKind
from switchboard.calls import dialing
from switchboard.calls.models import State
from switchboard.carriers import voice
from switchboard.usage import service as usage
from tests.fakes.voice import Provider
from tests.unit.opticomm.backend import Backend, backend, code
from tests.unit.opticomm.external_api.conftest import read_call, read_conversation


def test_a_test_keys_call_never_reaches_the_configured_carrier(
    live: Backend, test: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = Provider()
    monkeypatch.setattr(voice, "get_carrier", lambda: carrier.carrier)
    monkeypatch.setattr(voice, "carrier_name", lambda: "twilio")
    monkeypatch.setenv("SWITCHBOARD_CALLER_POOL", "+14155552671")
    call_id = test.initiate(phone_number="+40712345678").json()["call_id"]
    assert read_conversation(test, call_id)
    assert carrier.dialed == []
    assert (read_call(test, call_id).provider, read_call(test, call_id).state) == ("simulator", State.COMPLETED)
    real = live.initiate().json()["call_id"]
    dialing.dial_call(live.company.org_id, real)
    assert [dial.call_id for dial in carrier.dialed] == [real]
    assert read_call(live, real).provider == "twilio"


def test_calls_of_a_test_key_are_free_and_use_no_limit() -> None:
    small = backend(KeyKind.OPTICOMM_TEST, slug="small", basic_calls_per_day=1)
    for _ in range(2):
        call_id = small.initiate().json()["call_id"]
        read_conversation(small, call_id)
        assert read_call(small, call_id).cost_micros == 0
    used = usage.get_monthly_usage(small.company.org_id, "2026-01")
    assert (used.units["voice_basic"], used.spent_micros) == (0, 0)
    live = small.with_key(KeyKind.OPTICOMM_LIVE)
    call_id = live.initiate().json()["call_id"]
    assert code(live.initiate()) == (429, "DAILY_LIMIT_EXCEEDED")
    read_conversation(live, call_id)
    minutes = -(-(read_call(live, call_id).duration_seconds or 0) // 60)
    assert usage.get_monthly_usage(small.company.org_id, "2026-01").units["voice_basic"] == minutes
