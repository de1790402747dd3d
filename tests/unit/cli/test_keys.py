"""`switchboard key` and `switchboard agent`."""

from __future__ import annotations

import pytest

from switchboard.access import keys as access
from switchboard.accounts.models import KeyKind
from switchboard.dialects.anima import dialect
from switchboard.errors import Unauthenticated
from tests.actors import Tenant
from tests.unit.cli.conftest import Run

EVERY = frozenset(KeyKind)


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        ("master", "mk_"),
        ("service", "sk_"),
        ("opticomm-live", "sk_live_"),
        ("opticomm-test", "sk_test_"),
        ("athos", "ath_live_"),
    ],
)
def test_create_makes_a_key_of_each_kind(run: Run, acme: Tenant, kind: str, prefix: str) -> None:
    made = run("key", "create", acme.org_id, "--kind", kind, "--name", "Ours", "--json").json
    key = access.authenticate_key(made["text"], EVERY).key
    assert made["text"].startswith(prefix)
    assert (key.id, key.kind, key.name, key.org_id) == (made["key"], prefix, "Ours", acme.org_id)


def test_an_agents_key_acts_as_the_agent(run: Run, acme: Tenant) -> None:
    made = run("key", "create", acme.org_id, "--kind", "agent", "--agent", acme.agent_id, "--json").json
    agent = access.authenticate_key(made["text"], dialect.KEYS).agent
    assert agent is not None
    assert agent.id == acme.agent_id


def test_a_key_expires_at_its_time(run: Run, acme: Tenant) -> None:
    words = ("key", "create", acme.org_id, "--kind", "master", "--json", "--expires")
    assert run(*words, "2999-01-01T00:00:00+02:00").json["expires_at"] == "2998-12-31T22:00:00.000Z"
    past = run(*words, "2001-01-01T00:00:00Z")
    assert past.code == 1
    assert "The key would expire in the past: give --expires a future time." in past.err


@pytest.mark.parametrize(
    "words",
    [
        ("--kind", "agent"),
        ("--kind", "master", "--agent", "agt_1"),
        ("--kind", "golden"),
        ("--kind", "master", "--expires", "tomorrow"),
        ("--kind", "master", "--expires", "2999-01-01T00:00:00"),
        (),
    ],
)
def test_bad_usage_ends_with_2(run: Run, acme: Tenant, words: tuple[str, ...]) -> None:
    assert run("key", "create", acme.org_id, *words).code == 2


def test_an_agent_of_another_organization_is_unknown(run: Run, acme: Tenant) -> None:
    other = run("org", "create", "Other", "--slug", "other", "--json").json["organization"]
    answer = run("key", "create", other, "--kind", "agent", "--agent", acme.agent_id)
    assert (answer.code, answer.err) == (1, "switchboard: There is no such agent: check its id.\n")


def test_list_shows_every_key_and_no_secret(run: Run, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard.cli.keys._PAGE", 1)
    listed = run("key", "list", acme.org_id, "--json")
    assert sorted(row["kind"] for row in listed.json) == ["agent", "master"]
    for secret in (acme.agent_key, acme.master_key):
        assert secret not in listed.out
        assert secret[9:] not in listed.out


def test_a_revoked_key_is_refused(run: Run, acme: Tenant) -> None:
    key_id = access.authenticate_key(acme.agent_key, dialect.KEYS).key.id
    access.clear_cache()
    revoked = run("key", "revoke", acme.org_id, key_id, "--json").json
    assert revoked["revoked_at"]
    with pytest.raises(Unauthenticated):
        access.authenticate_key(acme.agent_key, dialect.KEYS)
    assert run("key", "revoke", acme.org_id, key_id, "--json").json["revoked_at"] == revoked["revoked_at"]
    unknown = run("key", "revoke", acme.org_id, "key_none")
    assert (unknown.code, unknown.err) == (1, "switchboard: There is no such key: check its id.\n")


def test_agents_are_created_and_listed(run: Run, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard.cli.agents._PAGE", 1)
    made = run("agent", "create", acme.org_id, "bob", "--name", "Bob B", "--json").json
    assert access.authenticate_key(made["agent_key"], dialect.KEYS).agent.address == made["inbox"]  # type: ignore[union-attr]
    assert [row["name"] for row in run("agent", "list", acme.org_id, "--json").json] == ["Bob B", "Acme"]
    taken = run("agent", "create", acme.org_id, "bob")
    assert (taken.code, taken.err) == (1, "switchboard: This username is taken: choose another.\n")
    assert run("agent", "create", acme.org_id, "Bob!").code == 2


def test_the_plans_number_of_agents_applies_to_the_operator_too(run: Run, acme: Tenant) -> None:
    run("org", "set-plan", acme.org_id, "free", "--limit", "agents=1")
    full = run("agent", "create", acme.org_id, "bob")
    assert (full.code, full.err) == (1, "switchboard: The plan allows 1 agents: change the plan to add more.\n")
