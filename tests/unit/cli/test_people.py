"""`switchboard team`, `switchboard person` and `switchboard session`."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchboard.access import sessions
from switchboard.errors import Unauthenticated
from switchboard.people.sessions import open_session
from switchboard.team.models import Member
from tests.actors import Tenant, member
from tests.unit.cli.conftest import Run


@pytest.fixture
def ada(acme: Tenant) -> Member:
    return member(acme.org_id)


def test_members_and_invites_have_columns_of_their_own(run: Run, ada: Member) -> None:
    run("team", "invite", "acme", "bob@example.com", "--role", "viewer")
    first, second = run("team", "list", "acme", "--json").json
    assert (first["person"], first["invite"]) == (ada.user_id, None)
    assert (second["person"], second["invite"][:4]) == (None, "inv_")


def test_a_session_for_scripts_works(run: Run, ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_STAGE", "local")
    for name in (ada.user_id, "ada@example.com"):
        cookie = run("session", "create", "acme", name, "--json").json["cookie"].removeprefix("bh_hum_session=")
        assert sessions.authenticate_session(cookie).user.id == ada.user_id
    assert run("session", "create", "acme", "usr_none").code == 1


def test_a_deployment_creates_no_session_for_an_operator(
    run: Run, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_STAGE", "prod")
    refused = run("session", "create", "acme", ada.user_id)
    assert (refused.code, "on a local stack only" in refused.err) == (1, True)


def test_a_sign_out_warns_about_sessions_of_the_demo(
    run: Run, ada: Member, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cookie = str(open_session(ada.user, ada.org_id))
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "demo.env").write_text(f"HUM_SESSION={cookie}\n")
    refused = run("person", "sign-out", ada.user_id)
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert sessions.authenticate_session(cookie)
    assert run("person", "sign-out", ada.user_id, "--yes").code == 0
    with pytest.raises(Unauthenticated):
        sessions.authenticate_session(cookie)
