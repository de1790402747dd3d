"""`switchboard tenant` and `switchboard drill`."""

from __future__ import annotations

import pytest

from switchboard.access import keys as access
from switchboard.accounts.models import KeyKind
from switchboard.errors import Forbidden
from switchboard.events import service as events
from switchboard.kit import clock
from switchboard.roleplay import calls as roleplay
from switchboard.roleplay import sessions
from tests.actors import Tenant
from tests.unit.cli.conftest import Run

ATHOS = frozenset({KeyKind.ATHOS})
pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def test_create_opens_a_tenant_whose_key_works(run: Run) -> None:
    made = run("tenant", "create", "Acme", "--slug", "acme", "--plan", "starter", "--json")
    snapshot = access.authenticate_key(made.json["athos_key"], ATHOS)
    assert snapshot.organization.id == made.json["organization"]
    assert "once" in made.err
    sessions.mint_session(access.caller_of(snapshot, "corr"), "rep_1", None)
    (row,) = run("tenant", "list", "--json").json
    assert (row["slug"], row["status"], row["roleplays"], row["quota"]) == ("acme", "active", 1, 100)


def test_a_tenant_has_at_most_five_active_keys(run: Run, acme: Tenant) -> None:
    keys = [run("tenant", "key", acme.org_id, "--json").json for _ in range(5)]
    full = run("tenant", "key", acme.org_id)
    assert (full.code, full.out) == (1, "")
    assert "5 active keys" in full.err
    assert run("key", "create", acme.org_id, "--kind", "athos").code == 1, "by each command that creates keys"
    assert run("key", "create", acme.org_id, "--kind", "master").code == 0
    run("key", "revoke", acme.org_id, keys[0]["key"])
    assert access.authenticate_key(run("tenant", "key", acme.org_id, "--json").json["text"], ATHOS)


def test_an_expired_key_is_not_active(run: Run, acme: Tenant, frozen: clock.FrozenClock) -> None:
    for _ in range(5):
        run("tenant", "key", acme.org_id, "--expires", "2026-01-15T17:00:01Z")
    assert run("tenant", "key", acme.org_id).code == 1
    frozen.advance(seconds=1)
    assert run("tenant", "key", acme.org_id).code == 0


def test_a_deactivated_tenant_is_refused_until_it_is_activated(run: Run, acme: Tenant) -> None:
    text = run("tenant", "key", acme.org_id, "--json").json["text"]
    assert run("tenant", "deactivate", acme.org_id, "--json").json["status"] == "suspended"
    with pytest.raises(Forbidden) as refusal:
        access.authenticate_key(text, ATHOS)
    assert refusal.value.code == "organization_inactive"
    assert run("tenant", "activate", acme.org_id, "--json").json["status"] == "active"
    assert access.authenticate_key(text, ATHOS)
    found = events.events_between("2026-01-15T17:00:00.000Z", "2026-01-15T18:00:00.000Z", acme.org_id)
    assert [
        one.data["status"] for one in sorted(found, key=lambda one: one.id) if one.type.endswith("status_changed")
    ] == [
        "suspended",
        "active",
    ]


def test_the_quota_is_agreed_beside_other_limits(run: Run, acme: Tenant) -> None:
    run("org", "set-plan", acme.org_id, "growth", "--limit", "agents=7")
    assert run("tenant", "quota", acme.org_id, "--monthly", "3", "--json").json["quota"] == 3
    assert run("org", "show", acme.org_id, "--json").json["agreed"] == {"agents": 7, "roleplays_per_month": 3}
    assert run("tenant", "quota", acme.org_id, "--plan", "--json").json["quota"] == 1_000
    assert run("org", "show", acme.org_id, "--json").json["agreed"] == {"agents": 7}


def test_drills_are_switched_for_one_tenant(run: Run, acme: Tenant) -> None:
    run("drill", "off", acme.org_id, "ma-t65")
    run("drill", "off", acme.org_id, "fe-closing")
    run("drill", "on", acme.org_id, "fe-closing")
    off = [row["drill"] for row in run("drill", "list", acme.org_id, "--json").json if not row["on"]]
    assert off == ["ma-t65"]
    assert all(offer.on for offer in roleplay.list_drill_offers("org_other"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("tenant", "create", "Acme"), 2),
        (("tenant", "quota", "org_none"), 2),
        (("tenant", "quota", "org_none", "--monthly", "0"), 2),
        (("tenant", "quota", "org_none", "--plan"), 1),
        (("tenant", "show", "org_none"), 1),
        (("tenant", "key", "org_none"), 1),
        (("tenant", "activate", "org_none"), 1),
        (("drill", "list", "org_none"), 1),
        (("drill", "off", "org_none", "ma-t65"), 1),
    ],
)
def test_an_invalid_request_is_explained(run: Run, words: tuple[str, ...], code: int) -> None:
    answer = run(*words)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err


def test_an_unknown_drill_is_reported(run: Run, acme: Tenant) -> None:
    assert run("drill", "off", acme.org_id, "ma-nothing").code == 1
    assert run("tenant", "key", acme.org_id, "--expires", "2020-01-01T00:00:00Z").code == 1
