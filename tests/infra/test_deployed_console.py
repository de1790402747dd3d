"""The console as it is deployed: a person signs up in the user pool, signs in, and works in an organization."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc import jwt

from infra.local.engine import REGION
from switchboard.carriers.identity import documents
from switchboard.carriers.identity.issuer_client import IssuerClient
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.people import sessions, sign_in
from tests.fakes import issuer as issuers
from tests.infra.deployed import Deployed

ADDRESS, PASSWORD = "ada@example.com", "Correct-horse-battery-1"


class Pool:
    """The deployed user pool, in place of the AWS pool with the issuer's name.

    The engine's tokens are unsigned. Here they are signed on their way to the client that redeems a code.
    """

    def __init__(self, deployed: Deployed, issuer: str, client_id: str) -> None:
        self._deployed, self._issuer, self._client_id = deployed, issuer, client_id
        self._key = issuers.get_key("RS256")
        self._get, self._post = IssuerClient.get, IssuerClient.post

    def get(self, url: str, authorization: str = "") -> dict[str, Any]:
        if url.endswith("/.well-known/jwks.json"):
            return {"keys": [self._key.as_dict(private=False)]}
        here = url.replace(f"https://{urlsplit(self._issuer).netloc}", self._deployed.url)
        return self._get(IssuerClient(), here, authorization)

    def post(self, url: str, form: dict[str, str], authorization: str = "") -> tuple[int, Any]:
        status, found = self._post(IssuerClient(), url, form, authorization)
        assert found, status
        payload = found["id_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return status, found | {"id_token": jwt.encode({"alg": "RS256", "kid": self._key.kid}, claims, self._key)}

    def sign_up(self, name: str) -> None:
        """Sign a person up with an address that is verified."""
        cognito = self._deployed.client("cognito-idp")
        attributes = [{"Name": "email", "Value": ADDRESS}, {"Name": "name", "Value": name}]
        cognito.sign_up(ClientId=self._client_id, Username=ADDRESS, Password=PASSWORD, UserAttributes=attributes)
        pool_id = self._issuer.rsplit("/", 1)[1]
        cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username=ADDRESS)

    def submit(self, url: str) -> str:
        """Fill in the pool's page, and return the target of its redirect."""
        page = httpx.get(url).text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        form = {name: html.unescape(value) for name, value in hidden.items()}
        answer = httpx.post(f"{self._deployed.url}/login", data=form | {"username": ADDRESS, "password": PASSWORD})
        return answer.headers["location"]


@pytest.fixture
def pool(deployed: Deployed, described: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """The deployed user pool, with the deployment's settings."""
    for name, value in (described | {"SWITCHBOARD_STAGE": "local", "SWITCHBOARD_OUTBOUND_LOOPBACK": "on"}).items():
        monkeypatch.setenv(name, value)
    issuer = described["SWITCHBOARD_OIDC_ISSUER"]
    assert issuer.startswith(f"https://cognito-idp.{REGION}.amazonaws.com/{REGION}_")
    made = Pool(deployed, issuer, described["SWITCHBOARD_OIDC_CLIENT_ID"])
    monkeypatch.setattr(IssuerClient, "get", made.get)
    monkeypatch.setattr(IssuerClient, "post", made.post)
    documents.clear_cache()
    yield made
    documents.clear_cache()


def test_a_person_signs_up_in_the_pool_signs_in_and_opens_an_organization(deployed: Deployed, pool: Pool) -> None:
    pool.sign_up("Ada Lovelace")
    begun = sign_in.begin_sign_in(None, None)
    callback = urlsplit(pool.submit(begun.url))
    assert callback._replace(query="").geturl() == "https://api.example.com/auth/callback"
    came_back = dict(parse_qsl(callback.query))
    user = sign_in.finish_sign_in(came_back["state"], came_back["code"], begun.browser).user
    assert (user.email, user.name) == (ADDRESS, "Ada Lovelace")

    headers = {"Cookie": f"{COOKIE}={sessions.open_session(user, None)}"}
    opened = deployed.request("hum", "POST", "/api/orgs", json={"name": "Lovelace"}, headers=headers)
    assert opened.status_code == 201, opened.text
    assert "; Secure" in opened.headers["set-cookie"]
    headers = {"Cookie": opened.headers["set-cookie"].partition(";")[0]}
    team = deployed.request("hum", "GET", "/api/team", headers=headers)
    assert [member["email"] for member in team.json()["members"]] == [ADDRESS], team.text


@pytest.mark.parametrize("path", ["/api/me", "/api/team", "/api/contacts", "/api/blocklist"])
def test_a_request_without_a_session_is_refused(deployed: Deployed, path: str) -> None:
    answer = deployed.request("hum", "GET", path)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
