"""Repeated requests: one `request_id` is one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from switchboard.access import keys as access
from switchboard.calls import initiation
from switchboard.calls.initiation import CallRequest
from switchboard.dialects.opticomm import dialect
from switchboard.errors import QuotaExceeded, RateLimited
from switchboard.kit import clock
from tests.integration.sabotage import Sabotage
from tests.unit.opticomm.backend import NOBODY, Backend, backend, code
from tests.unit.opticomm.external_api.conftest import HOOK, list_events


def test_a_repetition_with_another_body_gets_the_first_response(live: Backend, frozen: clock.FrozenClock) -> None:
    first = live.initiate(request_id="r-1").json()
    frozen.advance(days=2, hours=3)
    again = live.initiate(request_id="r-1", phone_number="nonsense", agent_id="agt_none")
    assert again.status_code == 200
    assert again.json() == first | {"duplicate": True}
    assert live.with_key().initiate(request_id="r-1").json()["call_id"] == first["call_id"]
    assert live.initiate(request_id="r-2").json()["call_id"] != first["call_id"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook_url": "ftp://hooks.example.com/calls"},
        {"webhook_url": "no url"},
        {"webhook_url": 7},
        {"phone_number": ""},
        {"phone_number": None},
        {"phone_number": ["+14155550142"]},
        {"agent_id": None},
        {"agent_id": ""},
        {"variables": {"order": 7}},
        {"variables": {"order": "x" * 20_000}},
        {"variables": "none"},
        {"first_message_override": "x" * 2_001},
        {"time_zone": 5},
        {"correlation_id": "has a space"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_an_invalid_repetition_gets_the_first_response(live: Backend, wrong: dict[str, Any]) -> None:
    assert code(live.initiate(**wrong, request_id="unknown"))[0] == 400
    first = live.initiate(request_id="r-1").json()
    again = live.initiate(**wrong, request_id="r-1")
    assert (again.status_code, again.json()) == (200, first | {"duplicate": True})
    assert code(live.with_key(scopes=("check_status",)).initiate(**wrong, request_id="r-1"))[0] in (400, 403)


def test_a_test_keys_request_id_answers_no_faulty_request_of_a_live_key(live: Backend, test: Backend) -> None:
    test.initiate(request_id="r-1")
    assert code(live.initiate(request_id="r-1", webhook_url="no url")) == (400, "MISSING_FIELDS")
    other = backend(slug="other")
    live.initiate(request_id="r-1")
    assert code(other.initiate(request_id="r-1", webhook_url="no url")) == (400, "MISSING_FIELDS")


@pytest.mark.parametrize("request_id", ["", "x" * 256, 7, None, ["r-1"], {"r": 1}])
def test_an_invalid_request_id_finds_no_call(live: Backend, request_id: Any) -> None:
    live.initiate(request_id="r-1")
    body = {"action": "initiate_call", "agent_id": "", "phone_number": NOBODY, "request_id": request_id}
    assert code(live.ask(body)) == (400, "MISSING_FIELDS")


def test_a_repetition_is_answered_even_if_a_new_call_would_be_refused(
    live: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = live.initiate(request_id="r-1").json()
    monkeypatch.setenv("SWITCHBOARD_FEATURE_PHONE_ENABLED", "off")
    assert live.initiate(request_id="r-1").json() == first | {"duplicate": True}


def test_a_request_id_is_unique_per_company_and_mode(live: Backend, test: Backend) -> None:
    askers = (live, test, backend(slug="other"))
    calls = {asker.initiate(request_id="r-1").json()["call_id"] for asker in askers}
    assert len(calls) == 3
    assert [asker.initiate(request_id="r-1").json()["duplicate"] for asker in askers] == [True] * 3


def test_a_refused_request_leaves_its_request_id_free(live: Backend) -> None:
    assert code(live.initiate(request_id="r-1", phone_number="+15005550020")) == (403, "PHONE_ON_DNC")
    assert code(live.initiate(request_id="r-1", phone_number="+15005550013")) == (500, "CALL_FAILED")
    assert live.initiate(request_id="r-1").json()["duplicate"] is False


def test_each_request_without_a_request_id_starts_a_call(live: Backend) -> None:
    assert len({live.initiate().json()["call_id"] for _ in range(3)}) == 3


@pytest.mark.parametrize("limit", [{"requests_per_minute": 1}, {"requests_per_day": 1}])
def test_an_overtaken_request_gets_the_call_that_used_up_its_limit(live: Backend, limit: dict[str, int]) -> None:
    key = live.with_key(**limit)
    who = access.caller_of(access.authenticate_key(key.text, dialect.KEYS), "corr_late")
    wanted = CallRequest(agent=live.flow.id, to=NOBODY, request_id="r-1")
    first: list[str] = []

    @contextmanager
    def overtaken() -> Iterator[None]:
        first.append(key.initiate(request_id="r-1").json()["call_id"])
        if "requests_per_minute" in limit:
            raise RateLimited("Rate limit exceeded.")
        yield

    placed = initiation.initiate_call(who, wanted, overtaken)
    assert ([placed.call.id], placed.duplicate) == (first, True)
    with pytest.raises(QuotaExceeded if "requests_per_day" in limit else RateLimited):
        initiation.initiate_call(who, wanted.model_copy(update={"request_id": "r-2"}), overtaken)


def test_a_request_killed_anywhere_and_repeated_is_one_call(live: Backend) -> None:
    saboteur = Sabotage()
    with saboteur.counting() as calls:
        live.initiate(request_id="whole", webhook_url=HOOK)
    steps = len(calls)
    for done in range(steps):
        with saboteur.killing(after=done):
            live.initiate(request_id=f"r-{done}", webhook_url=HOOK)
        again = live.initiate(request_id=f"r-{done}", webhook_url=HOOK).json()
        assert live.check(request_id=f"r-{done}").json()["call_id"] == again["call_id"]
    placed = [event for event in list_events(live) if event.type == "voice.call.created"]
    assert len(placed) == steps + 1


def test_after_a_lost_response_a_repetition_is_a_duplicate(live: Backend) -> None:
    saboteur = Sabotage()
    live.initiate(request_id="warm")
    with saboteur.counting() as calls:
        live.initiate(request_id="r-1")
    commit = calls.index("TransactWriteItems")
    with saboteur.killing(after=commit):
        live.initiate(request_id="before")
    assert live.initiate(request_id="before").json()["duplicate"] is False
    saboteur.lose_answer("TransactWriteItems")
    live.initiate(request_id="behind")
    assert live.initiate(request_id="behind").json()["duplicate"] is True
