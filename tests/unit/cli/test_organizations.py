"""`switchboard org`."""

from __future__ import annotations

import pytest

from switchboard.access import keys as access
from switchboard.accounts import organizations
from switchboard.dialects.anima import dialect
from switchboard.events import service as events
from tests.actors import Tenant
from tests.unit.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("cloud")


def test_create_opens_an_organization_whose_master_key_works(run: Run) -> None:
    made = run(
        "org", "create", "Acme Inc", "--slug", "acme", "--plan", "growth", "--owner", "Ann@Example.com", "--json"
    )
    org = organizations.get_organization(made.json["organization"])
    assert (org.name, org.slug, org.plan, org.owner_email) == ("Acme Inc", "acme", "growth", "Ann@example.com")
    assert access.authenticate_key(made.json["master_key"], dialect.KEYS).organization.id == org.id
    assert "once" in made.err


@pytest.mark.usefixtures("frozen")
def test_an_operators_change_is_an_event_under_the_operators_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    org_id = run("org", "create", "Acme", "--slug", "acme", "--json").json["organization"]
    hour = organizations.get_organization(org_id).created_at[:13]
    recorded = list(events.events_between(f"{hour}:00:00.000Z", f"{hour}:59:59.999Z"))
    assert {event.type for event in recorded} == {"organization.created", "key.created"}
    assert {(event.actor.type, event.actor.id) for event in recorded} == {("operator", "ann")}


def test_create_refuses_an_owner_who_has_an_organization(run: Run) -> None:
    words = ("org", "create", "Acme", "--owner", "ann@example.com", "--slug")
    assert run(*words, "acme").code == 0
    again = run(*words, "other")
    assert (again.code, again.out) == (1, "")
    assert again.err == "switchboard: This address already owns an organization: sign in, or use another address.\n"


@pytest.mark.parametrize(
    "words", [("set-plan", "org_1", "gold"), ("create", "Acme", "--slug", "acme", "--plan", "gold")]
)
def test_an_unknown_plan_is_answered_with_the_list_of_plans(run: Run, words: tuple[str, ...]) -> None:
    answer = run("org", *words)
    assert answer.code == 2
    assert "switchboard: gold is not a plan: choose free, starter, growth, scale, enterprise\n" in answer.err


def test_an_invalid_address_is_reported_once(run: Run) -> None:
    org_id = run("org", "create", "Acme", "--slug", "acme", "--json").json["organization"]
    answer = run("team", "invite", org_id, "foo")
    assert (answer.code, answer.err) == (
        1,
        "switchboard: This is not an email address: write it like ada@example.com.\n",
    )


@pytest.mark.parametrize(
    "words",
    [
        ("create", "Acme"),
        ("create", "Acme", "--slug", "Not A Slug"),
        ("create", "Acme", "--slug", "acme", "--plan", "golden"),
        ("create", "Acme", "--slug", "acme", "--owner", "nobody"),
        ("set-plan", "org_1", "scale", "--limit", "emails=1"),
        ("set-plan", "org_1", "scale", "--limit", "agents=many"),
        ("set-plan", "org_1", "scale", "--limit", "agents=1", "--no-limits"),
        ("set-cap", "org_1"),
        ("set-cap", "org_1", "--cents", "-1"),
        ("set-cap", "org_1", "--cents", "100000001"),
        ("set-cap", "org_1", "--cents", "1", "--off"),
        ("show",),
        (),
    ],
)
def test_bad_usage_is_explained_and_ends_with_2(run: Run, words: tuple[str, ...]) -> None:
    answer = run("org", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("Usage: switchboard org")


@pytest.mark.parametrize(
    "words",
    [
        ("org", "show", "org_none"),
        ("org", "set-plan", "org_none", "scale"),
        ("org", "set-cap", "org_none", "--off"),
        ("key", "list", "org_none"),
        ("key", "create", "org_none", "--kind", "master"),
        ("key", "revoke", "org_none", "key_none"),
        ("agent", "list", "org_none"),
        ("agent", "create", "org_none", "ann"),
        ("audit", "export", "org_none"),
        ("audit", "verify", "--org", "org_none"),
        ("usage", "show", "org_none"),
        ("events", "replay", "--from", "2026-01-01T00:00Z", "--to", "2026-01-01T01:00Z", "--org", "org_none"),
    ],
)
def test_an_unknown_organization_is_one_line_and_ends_with_1(run: Run, words: tuple[str, ...]) -> None:
    answer = run(*words)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "switchboard: There is no such organization: check its id or slug.\n"


def test_list_shows_the_newest_first(run: Run, acme: Tenant) -> None:
    other = run("org", "create", "Other", "--slug", "other", "--json").json["organization"]
    assert [row["organization"] for row in run("org", "list", "--json").json] == [other, acme.org_id]
    heading, *rows = run("org", "list").out.splitlines()
    assert heading.split() == ["ORGANIZATION", "SLUG", "NAME", "PLAN", "STATUS", "CREATED_AT"]
    assert len(rows) == 2
    assert rows[0].index("other") == heading.index("SLUG")


def test_list_continues_to_the_last_page(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard.cli.organizations._PAGE", 2)
    made = {run("org", "create", f"O{i}", "--slug", f"o{i}", "--json").json["organization"] for i in range(5)}
    listed = [row["organization"] for row in run("org", "list", "--json").json]
    assert len(listed) == 5
    assert set(listed) == made


def test_set_plan_keeps_replaces_or_removes_agreed_limits(run: Run, acme: Tenant) -> None:
    plan = ("org", "set-plan", acme.org_id)
    shown = run(*plan, "scale", "--limit", "agents=7", "--limit", "emails_per_month=5", "--json").json
    assert (shown["plan"], shown["agreed"]) == ("scale", {"agents": 7, "emails_per_month": 5})
    assert (shown["limits"]["agents"], shown["limits"]["requests_per_second"]) == (7, 2_000)
    assert run(*plan, "free", "--json").json["agreed"] == {"agents": 7, "emails_per_month": 5}
    assert run(*plan, "free", "--limit", "agents=8", "--json").json["agreed"] == {"agents": 8}
    assert run(*plan, "free", "--no-limits", "--json").json["limits"]["agents"] == 3


def test_set_cap_sets_and_removes_a_cap(run: Run, acme: Tenant) -> None:
    assert run("org", "set-cap", acme.org_id, "--cents", "500", "--json").json["cap_cents"] == 500
    assert organizations.get_organization(acme.org_id).hard_cap.enabled
    assert run("org", "set-cap", acme.org_id, "--off", "--json").json["cap_cents"] is None
    assert not organizations.get_organization(acme.org_id).hard_cap.enabled


def test_show_aligns_its_text(run: Run, acme: Tenant) -> None:
    lines = run("org", "show", acme.org_id).out.splitlines()
    assert lines[0].split() == ["organization", acme.org_id]
    assert len({line.index(line.split()[1]) for line in lines}) == 1


def test_an_organization_is_named_by_its_slug(run: Run, acme: Tenant) -> None:
    assert run("org", "show", "acme", "--json").json["organization"] == acme.org_id
    assert run("usage", "show", "acme", "--json").json["organization"] == acme.org_id
    taken = run("org", "create", "Acme", "--slug", "acme")
    assert (taken.code, "choose another slug" in taken.err) == (1, True)


def test_an_organization_is_suspended_and_resumed(run: Run, acme: Tenant) -> None:
    assert run("org", "suspend", "acme", "--json").json["status"] == "suspended"
    assert run("org", "resume", "acme", "--json").json["status"] == "active"


def test_a_rename_changes_what_is_given(run: Run, acme: Tenant) -> None:
    shown = run("org", "rename", "acme", "--slug", "acme-inc", "--json").json
    assert (shown["name"], shown["slug"]) == ("Acme", "acme-inc")
    assert run("org", "show", "acme").code == 1
    assert run("org", "rename", "acme-inc", "--name", "Acme Inc", "--json").json["name"] == "Acme Inc"
    assert run("org", "rename", "acme-inc").code == 2


def test_a_deletion_needs_a_yes_and_says_what_stays(run: Run, acme: Tenant) -> None:
    refused = run("org", "delete", "acme")
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert organizations.get_organization(acme.org_id).status == "active"
    assert run("org", "deletion", "acme").code == 1
    told = run("org", "delete", "acme", "--yes")
    assert (told.code, f"switchboard org deletion {acme.org_id}" in told.err) == (0, True)
    shown = run("org", "deletion", acme.org_id)
    assert "audit chain and events" in shown.out
    assert run("org", "delete", "acme", "--yes", "--json").json["phase"] == "ending"
    again = run("org", "deletion", "acme", "--json").json
    assert (again["phase"], again["trouble"], bool(again["kept"])) == ("ending", {}, True)
    assert run("org", "resume", "acme").code == 1


@pytest.mark.parametrize(("typed", "is_deleted"), [("acme", True), ("yes", False), ("", False)])
def test_at_a_terminal_the_slug_must_be_typed(
    run: Run, acme: Tenant, monkeypatch: pytest.MonkeyPatch, typed: str, is_deleted: bool
) -> None:
    monkeypatch.setattr("switchboard.cli.commands.sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **__: typed)
    assert (run("org", "delete", "acme").code == 0) is is_deleted
    assert (organizations.get_organization(acme.org_id).status == "deleted") is is_deleted
