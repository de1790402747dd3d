"""`switchboard flow`, and the bindings of an OptiComm key."""

from __future__ import annotations

import pytest

from switchboard.access import keys as access
from switchboard.dialects.opticomm import dialect
from switchboard.kit import clock
from switchboard.webhooks import callbacks
from tests.actors import Tenant, tenant
from tests.unit.cli.conftest import Run

CONSENT = f"customer-initiated@{clock.now_iso()[:10]}"


def test_a_flow_is_created_listed_and_shown(run: Run, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard.cli.flows._PAGE", 1)
    words = ("--kind", "outbound", "--greeting", "Hello {{name}}.", "--prompt", "Be brief.", "--consent", CONSENT)
    more = ("--voice", "switchboard:grace", "--provider-agent", "agent_1", "--caller-id", "+12125550100")
    made = run("flow", "create", acme.org_id, "Ada", *words, *more, "--json").json
    assert made["greeting"] == "Hello {{name}}."
    assert (made["consent"], made["caller_id"], made["provider_agent"]) == (CONSENT, "+12125550100", "agent_1")
    run("flow", "create", acme.org_id, "Bob", "--kind", "inbound")
    listed = run("flow", "list", acme.org_id, "--json").json
    assert {flow["name"] for flow in listed} == {"Ada", "Bob"}
    assert run("flow", "show", acme.org_id, made["flow"], "--json").json == made
    elsewhere = run("flow", "show", tenant("other").org_id, made["flow"])
    assert (elsewhere.code, elsewhere.err) == (1, "switchboard: There is no such flow: check its id.\n")


@pytest.mark.parametrize("words", [(), ("--kind", "sideways"), ("--kind", "outbound", "--consent", "hearsay")])
def test_bad_usage_ends_with_2(run: Run, acme: Tenant, words: tuple[str, ...]) -> None:
    assert run("flow", "create", acme.org_id, "Ada", *words).code == 2


@pytest.mark.parametrize(
    ("consent", "why"),
    [
        ("hearsay@2025-12-01", "unknown source"),
        ("customer-initiated@2003-01-01", "has expired"),
        ("opt-in:web-form@2999-01-01", "in the future"),
    ],
)
@pytest.mark.parametrize("what", [("flow", "create"), ("key", "create")])
def test_an_invalid_consent_is_refused(run: Run, acme: Tenant, what: tuple[str, str], consent: str, why: str) -> None:
    words = ("Ada", "--kind", "outbound") if what[0] == "flow" else ("--kind", "opticomm-live")
    refused = run(*what, acme.org_id, *words, "--consent", consent)
    assert refused.code == 1
    assert "Invalid consent" in refused.err
    assert why in refused.err


def test_an_opticomm_key_is_bound_and_shown_with_the_secret_of_its_callbacks(run: Run, acme: Tenant) -> None:
    words = ("--permission", "initiate_call", "--ip", "203.0.113.0/24", "--ip", "2001:db8::/32", "--agent-allowed", "x")
    more = ("--per-minute", "7", "--per-day", "9", "--consent", CONSENT)
    made = run("key", "create", acme.org_id, "--kind", "opticomm-live", *words, *more, "--json").json
    key = access.authenticate_key(made["text"], dialect.KEYS, "203.0.113.7").key
    bound = key.restrictions
    assert key.scopes == ["initiate_call"]
    assert (bound.ip_allowlist, bound.agents) == (["203.0.113.0/24", "2001:db8::/32"], ["x"])
    assert (bound.requests_per_minute, bound.requests_per_day) == (7, 9)
    assert f"{bound.consent_source}@{bound.consent_date}" == CONSENT
    assert made["callback_secret"] == callbacks.callback_secret(acme.org_id, made["key"])
    listed = run("key", "list", acme.org_id, "--json")
    assert made["callback_secret"] not in listed.out


@pytest.mark.parametrize(
    "words",
    [
        ("--kind", "master", "--permission", "initiate_call"),
        ("--kind", "athos", "--per-day", "9"),
        ("--kind", "opticomm-live", "--permission", "hang_up"),
        ("--kind", "opticomm-live", "--per-minute", "0"),
        ("--kind", "opticomm-live", "--ip", "203.0.113.7/24"),
        ("--kind", "opticomm-test", "--consent", "customer-initiated"),
    ],
)
def test_an_invalid_binding_of_a_key_is_bad_usage(run: Run, acme: Tenant, words: tuple[str, ...]) -> None:
    assert run("key", "create", acme.org_id, *words).code == 2


def test_the_gates_lists_are_shown(run: Run, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard.cli.compliance._PAGE", 1)
    for number in ("+14155550142", "+14155550143"):
        run("gate", "block", acme.org_id, number)
    run("gate", "opt-out", acme.org_id, "+14155550144")
    blocked = run("gate", "list", acme.org_id, "--json").json
    assert [entry["e164"] for entry in blocked] == ["+14155550142", "+14155550143"]
    (opted_out,) = run("gate", "list", acme.org_id, "opt-outs", "--json").json
    assert (opted_out["e164"], opted_out["source"]) == ("+14155550144", "manual")
    assert opted_out["created_at"] <= clock.now_iso()
    assert run("gate", "list", acme.org_id, "consents", "--json").json == []
    assert run("gate", "list", acme.org_id, "friends").code == 2


def test_a_flow_states_whether_it_sells(run: Run, acme: Tenant) -> None:
    plain = run("flow", "create", acme.org_id, "Ada", "--kind", "outbound", "--json").json
    assert plain["purpose"] == "informational"
    sells = run("flow", "create", acme.org_id, "Bo", "--kind", "outbound", "--purpose", "telemarketing", "--json").json
    assert run("flow", "show", acme.org_id, sells["flow"], "--json").json["purpose"] == "telemarketing"
    assert run("flow", "create", acme.org_id, "Cy", "--kind", "outbound", "--purpose", "sales").code == 2


def test_a_flow_is_updated_and_deleted(run: Run, acme: Tenant) -> None:
    made = run("flow", "create", "acme", "Ada", "--kind", "inbound", "--json").json
    updated = run("flow", "update", "acme", made["flow"], "--greeting", "Hello {{name}}.", "--json").json
    assert (updated["greeting"], updated["name"], updated["version"]) == ("Hello {{name}}.", "Ada", 2)
    assert run("flow", "update", "acme", made["flow"]).code == 2
    assert run("flow", "delete", "acme", made["flow"]).code == 2, "there is no terminal to ask"
    assert run("flow", "delete", "acme", made["flow"], "--yes", "--json").json["deleted"]
    assert run("flow", "list", "acme", "--json").json == []


@pytest.mark.parametrize("text", ["Hello {{customer_name}.", "Hello {customer_name}}.", "{{}}", "{{a b}}"])
def test_an_incomplete_variable_is_refused(run: Run, acme: Tenant, text: str) -> None:
    refused = run("flow", "create", "acme", "Ada", "--kind", "inbound", "--greeting", text)
    assert (refused.code, "incomplete variable" in refused.err) == (2, True)
