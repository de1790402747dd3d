"""The ledgers: each entry is added once and removed once, also by repeated requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.anima.compliance.handler import handler
from infra import topology
from infra.local.pool import Context
from switchboard.compliance import ledger_store, ledgers
from switchboard.errors import NotFound
from tests.actors import Tenant, tenant, with_effect
from tests.load.request import api_event

pytestmark = pytest.mark.usefixtures("cloud", "frozen")
NUMBER = "+14155550142"


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


ENTER: dict[str, Callable[..., Any]] = {
    "opt-outs": lambda caller, effect=None: ledgers.record_opt_out(caller, NUMBER, "api", effect=effect),
    "blocks": lambda caller, effect=None: ledgers.block_number(caller, NUMBER, effect=effect),
    "consents": lambda caller, effect=None: ledgers.record_consent(caller, NUMBER, "opt-in:web-form", effect=effect),
}
REMOVE: dict[str, Callable[..., bool]] = {
    "opt-outs": lambda caller, effect=None: ledgers.record_opt_in(caller, NUMBER, effect),
    "blocks": lambda caller, effect=None: ledgers.unblock_number(caller, NUMBER, effect),
    "consents": lambda caller, effect=None: ledgers.withdraw_consent(caller, NUMBER, effect),
}
LIST: dict[str, Callable[..., Any]] = {
    "opt-outs": ledgers.list_opt_outs,
    "blocks": ledgers.list_blocked_numbers,
    "consents": ledgers.list_consents,
}


def is_in_ledger(acme: Tenant, ledger: str) -> bool:
    return [entry.e164 for entry in LIST[ledger](acme.org_id, 10)[0]] == [NUMBER]


@pytest.mark.parametrize("ledger", ENTER)
def test_a_number_is_added_and_removed(acme: Tenant, ledger: str) -> None:
    caller = acme.caller(master=True)
    ENTER[ledger](caller)
    assert is_in_ledger(acme, ledger)
    assert REMOVE[ledger](caller)
    assert not is_in_ledger(acme, ledger)
    assert not REMOVE[ledger](caller)


@pytest.mark.parametrize("ledger", ENTER)
def test_a_repeated_request_adds_and_removes_nothing_twice(acme: Tenant, ledger: str) -> None:
    enter, remove = (with_effect(acme.caller(master=True), key) for key in ("key-enter", "key-remove"))
    first = ENTER[ledger](enter, enter.effect)
    assert REMOVE[ledger](remove, remove.effect)
    assert ENTER[ledger](enter, enter.effect).e164 == first.e164
    assert not is_in_ledger(acme, ledger), "the number was removed in between"
    ENTER[ledger](acme.caller(master=True))
    assert REMOVE[ledger](remove, remove.effect)
    assert is_in_ledger(acme, ledger), "an earlier run of the request removed the number, and it was added again"


@pytest.mark.parametrize("ledger", ENTER)
def test_another_organization_sees_and_removes_nothing(acme: Tenant, ledger: str) -> None:
    other = tenant("globex")
    ENTER[ledger](acme.caller(master=True))
    assert not is_in_ledger(other, ledger)
    assert not REMOVE[ledger](other.caller(master=True))
    assert is_in_ledger(acme, ledger)


@pytest.mark.parametrize("ledger", REMOVE)
def test_an_invalid_number_is_reported(acme: Tenant, ledger: str) -> None:
    answer = send_request(acme, "DELETE", f"/v1/compliance/{ledger}/nobody")
    assert answer["statusCode"] == 400


@pytest.mark.parametrize("ledger", ENTER)
def test_over_http_a_number_is_accepted_in_any_notation(acme: Tenant, ledger: str) -> None:
    body = {"e164": "+1 (415) 555-0142", **({"source": "opt-in:web-form"} if ledger == "consents" else {})}
    assert send_request(acme, "POST", f"/v1/compliance/{ledger}", body)["statusCode"] == 201
    assert is_in_ledger(acme, ledger)
    assert send_request(acme, "DELETE", f"/v1/compliance/{ledger}/%2B14155550142")["statusCode"] == 200
    assert send_request(acme, "DELETE", f"/v1/compliance/{ledger}/+14155550142")["statusCode"] == 404
    assert not is_in_ledger(acme, ledger)


@pytest.mark.parametrize(
    ("date", "told"),
    [
        ("2024-13-45", "invalid"),
        ("yesterday", "invalid"),
        ("2999-01-01", "in the future"),
        ("2001-01-01", "expired"),
    ],
)
def test_an_invalid_consent_is_bad_input_and_not_a_refusal_of_the_gate(acme: Tenant, date: str, told: str) -> None:
    body = {"e164": NUMBER, "source": "opt-in:web-form", "date": date}
    answer = send_request(acme, "POST", "/v1/compliance/consents", body)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["code"]) == (400, "VALIDATION_ERROR")
    assert problem["details"]["reason"] == "bad_consent"
    assert told in problem["details"]["fields"]["consent"]
    assert not is_in_ledger(acme, "consents")


def test_an_agents_key_cannot_read_or_change_a_ledger(acme: Tenant) -> None:
    bearer = {"authorization": f"Bearer {acme.agent_key}"}
    for method, path in (("GET", "/v1/compliance/opt-outs"), ("DELETE", "/v1/compliance/blocks/+14155550142")):
        answer = handler(api_event(method, path, bearer, None), Context(topology.function("anima/compliance")))
        assert answer["statusCode"] == 403


def send_request(acme: Tenant, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    bearer = {"authorization": f"Bearer {acme.master_key}"}
    return handler(api_event(method, path, bearer, body), Context(topology.function("anima/compliance")))


def test_a_block_is_taken_off_by_its_id_once(acme: Tenant) -> None:
    caller = acme.caller(master=True)
    entry = ledgers.block_number(caller, NUMBER)
    once, again, late = (with_effect(caller, key).effect for key in ("key-1", "key-1", "key-2"))
    ledgers.unblock_number_by_id(caller, entry.id, once)
    assert not is_in_ledger(acme, "blocks")
    ledgers.unblock_number_by_id(caller, entry.id, again)
    for effect in (late, None):
        with pytest.raises(NotFound):
            ledgers.unblock_number_by_id(caller, entry.id, effect)


def test_a_block_that_another_request_takes_off_meanwhile_is_not_found(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = acme.caller(master=True)
    entry = ledgers.block_number(caller, NUMBER)
    number_of = ledger_store.get_number_of_block

    def taken_meanwhile(org_id: str, block_id: str) -> str | None:
        found = number_of(org_id, block_id)
        ledgers.unblock_number(caller, NUMBER)
        return found

    monkeypatch.setattr(ledger_store, "get_number_of_block", taken_meanwhile)
    with pytest.raises(NotFound):
        ledgers.unblock_number_by_id(caller, entry.id)
