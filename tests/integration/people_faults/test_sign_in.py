"""People and permissions under faults: sign-ins."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.local.pool import Context
from switchboard.access import sessions
from switchboard.carriers import identity
from switchboard.dialects.hum import cookies
from switchboard.kit import clock
from switchboard.people import sign_in
from switchboard.team import invites, members
from switchboard.team.models import Invite, Member
from switchboard.team.permissions import Role
from tests.actors import ISSUER
from tests.integration.people_faults.conftest import list_event_types, send_request
from tests.integration.sabotage import Dying, Sabotage


class Vouching:
    """An issuer that vouches for the person that the code names."""

    issuer = ISSUER

    def authorization_url(self, **wanted: str) -> str:
        return f"https://issuer.example/authorize?state={wanted['state']}"

    def redeem_code(self, **shown: str) -> identity.IdentityClaims:
        name = shown["code"]
        return identity.IdentityClaims(ISSUER, f"{name}@example.com", f"{name}@example.com", True, name, None)

    def end_session_url(self, **_: str) -> str | None:
        return None


def test_after_a_killed_sign_in_a_new_one_accepts_the_invite_once(
    admin: Member, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "identity_provider", Vouching)
    saboteur = Sabotage()

    def come_back(name: str, made: Invite, context: type[Context] = Context) -> dict[str, Any]:
        begun = sign_in.begin_sign_in(f"/?invite={made.id}", None)
        state = parse_qs(urlsplit(begun.url).query)["state"][0]
        cookie = f"{cookies.BROWSER}={begun.browser}"
        query = {"state": state, "code": name}
        return send_request("hum/sign_in", "GET", "/auth/callback", query=query, cookie=cookie, context=context)

    def invited(name: str) -> Invite:
        return invites.create_invite(admin, admin.organization, "Ada", f"{name}@example.com", Role.VIEWER)

    made = invited("first")
    with saboteur.counting() as calls:
        assert come_back("first", made)["statusCode"] == 302
    for done in range(len(list(calls))):
        name = f"p{done}"
        made = invited(name)
        with saboteur.killing(after=done):
            come_back(name, made, Dying)
        answer = come_back(name, made)
        assert answer["statusCode"] == 302, (done, answer)
        cookie = answer["multiValueHeaders"]["Set-Cookie"][-1].partition("=")[2].partition(";")[0]
        found = sessions.authenticate_session(cookie)
        assert found.organization is not None
        assert found.organization.id == admin.org_id
        assert found.to_member("corr_1").role is Role.VIEWER
        assert [one.name for one in members.list_team(admin.org_id).members].count(name) == 1
    assert list_event_types(admin.org_id).count("team.member_joined") == len(members.list_team(admin.org_id).members)
    assert members.list_team(admin.org_id).invites == []


@pytest.mark.parametrize("operation", ["PutItem", "TransactWriteItems", "UpdateItem", "DeleteItem"])
def test_a_sign_in_survives_a_lost_response(
    engine_cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    # The first write of each kind: creating the state, the session, claiming the state, changing the person.
    monkeypatch.setattr(identity, "identity_provider", Vouching)
    saboteur = Sabotage()
    for name in ("ada", "ada"):
        saboteur.lose_answer(operation)
        begun = sign_in.begin_sign_in("/calls", None)
        state = parse_qs(urlsplit(begun.url).query)["state"][0]
        saboteur.lose_answer(operation)
        cookie = f"{cookies.BROWSER}={begun.browser}"
        answer = send_request(
            "hum/sign_in", "GET", "/auth/callback", query={"state": state, "code": name}, cookie=cookie
        )
        assert answer["statusCode"] == 302, answer
        opened = answer["multiValueHeaders"]["Set-Cookie"][-1].partition("=")[2].partition(";")[0]
        saboteur.lose_answer(operation)
        assert sessions.authenticate_session(opened).user.name == name
