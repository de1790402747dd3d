"""Athos over HTTP: every operation, every code of the contract, and a call from its session to its score.

The client checks every response against our document. These tests check it against the contract, too.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from switchboard.accounts import credentials, keys, organizations
from switchboard.accounts.models import KeyKind, KeyRestrictions
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.cli.commands import operator_origin
from switchboard.kit import clock
from switchboard.roleplay import sessions, tokens
from tests.actors import Reseller, reseller
from tests.conftest import Stack
from tests.contract import world
from tests.contract.conftest import inside
from tests.contract.spec import LIMITS, ORACLE, Spec
from tests.contract.world import SERVED

CONTRACT = Spec.read(ORACLE / "athos.json")
BASE = CONTRACT.document["x-base-path"]
OURS = SERVED["/api/external/v1/"]
MINT, REDEEM, CALLS = f"{BASE}/session", f"{BASE}/roleplay/session", f"{BASE}/calls"
FROM = "2026-01-01T00:00:00Z"
DRILL = {"drillKey": "fe-objection-handling", "difficulty": "Beginner"}


def check_with_contract(answer: httpx.Response, operation_id: str) -> httpx.Response:
    """The response, checked against the contract."""
    operation = CONTRACT.operations[operation_id]
    if answer.status_code in operation.statuses:
        schema = CONTRACT.answer(operation, answer.status_code)["content"]["application/json"]["schema"]
    else:
        schema = CONTRACT.document["components"]["schemas"]["Error"]
    assert not CONTRACT.errors(schema, answer.json()), answer.text
    assert answer.headers["x-athos-request-id"].startswith("req_")
    if answer.is_error:
        assert answer.json()["error"]["requestId"] == answer.headers["x-athos-request-id"]
    assert not [name for name in LIMITS if name not in answer.headers]
    return answer


def error_code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


class Tenant:
    """A tenant over HTTP."""

    def __init__(self, http: httpx.Client, key: str) -> None:
        self.http, self.key = http, key

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def mint(self, **changes: Any) -> httpx.Response:
        body = {"externalUserId": "rep_good"} | changes
        return check_with_contract(self.http.post(MINT, json=body, headers=self.bearer), "mintSession")

    def token(self, user: str = "rep_good", **more: str) -> str:
        answer = self.mint(externalUserId=user, **more)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def redeem(self, token: str, **changes: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return check_with_contract(self.http.post(REDEEM, json=DRILL | changes, headers=headers), "redeemSession")

    def list(self, **query: str) -> httpx.Response:
        answer = self.http.get(CALLS, params={"from": FROM} | query, headers=self.bearer)
        return check_with_contract(answer, "listCalls")

    def read(self, call_id: str) -> httpx.Response:
        return check_with_contract(self.http.get(f"{CALLS}/{call_id}", headers=self.bearer), "getCall")


class Resellers:
    """One tenant for each kind of refusal."""

    def __init__(self, http: httpx.Client, stack: Stack) -> None:
        def made(plan: PlanName = PlanName.SCALE, **limits: int) -> Reseller:
            return reseller(world.unique_name(), plan, **limits)

        with inside(stack):
            good, other, gone, late = made(), made(), made(), made()
            revoked, elsewhere = _key(good), _key(good, KeyRestrictions(ip_allowlist=["192.0.2.0/24"]))
            keys.revoke_key(operator_origin(good.org_id), revoked.key.id)
            self.quota = Tenant(http, made(roleplays_per_month=1).key)
            self.slow = Tenant(http, made(PlanName.FREE, roleplays_per_month=1_000).key)
            self.late_token = sessions.mint_session(late.caller(), "rep_1", None).token
            for suspended in (gone, late):
                organizations.set_status(operator_origin(suspended.org_id), "suspended")
            at = clock.FrozenClock(clock.now_iso())
            at.advance(minutes=-6)
            with clock.using(at):
                self.expired_token = tokens.make_token(good.org_id, "ext_old", tokens.token_expiry())
            self.unknown_token = tokens.make_token(good.org_id, "ext_unknown", tokens.token_expiry())
        self.good, self.other = Tenant(http, good.key), Tenant(http, other.key)
        self.gone = Tenant(http, gone.key)
        self.revoked, self.elsewhere = Tenant(http, revoked.text), Tenant(http, elsewhere.text)
        self.stranger = Tenant(http, credentials.mint_key(KeyKind.ATHOS).text)
        self.nobody = Tenant(http, "")


def _key(acme: Reseller, restrictions: KeyRestrictions | None = None) -> keys.NewKey:
    key, writes = keys.key_writes(operator_origin(acme.org_id), KeyKind.ATHOS, "more", restrictions=restrictions)
    commit(writes)
    return key


@pytest.fixture(scope="module")
def tenants(http: httpx.Client, stack: Stack) -> Resellers:
    return Resellers(http, stack)


@pytest.fixture
def acme(tenants: Resellers) -> Tenant:
    return tenants.good


def practise_call(acme: Tenant, user: str, agency: str) -> dict[str, Any]:
    """The detail of a call that was practised, and scored by the stack's workers."""
    call_id = acme.redeem(acme.token(user, externalAgencyId=agency)).json()["callId"]
    deadline = time.monotonic() + 60
    while (answer := acme.read(call_id)).status_code == 404:
        assert time.monotonic() < deadline, "the call was not scored"
        time.sleep(0.2)
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(scope="module")
def scored_call(tenants: Resellers) -> dict[str, Any]:
    return practise_call(tenants.good, "rep_excellent", "agency_1")


def test_a_session_token_can_be_redeemed_once(acme: Tenant) -> None:
    minted = acme.mint(externalAgencyId="agency_1").json()
    lasts = clock.parse(minted["expiresAt"]) - clock.now()
    assert 290 < lasts.total_seconds() <= 300
    answer = acme.redeem(minted["token"], filters={"state": "AL", "category": "any"})
    made = answer.json()
    assert (answer.status_code, made["persona"]) == (200, {"name": "Ernestine Gray"})
    assert made["callId"].startswith("athos_call_")
    assert made["sessionId"].startswith("ext_")
    assert error_code(acme.redeem(minted["token"])) == (401, "TOKEN_ALREADY_USED")


def test_a_practised_call_is_scored_listed_and_read(acme: Tenant, scored_call: dict[str, Any]) -> None:
    assert (scored_call["score"]["overallScore"], scored_call["status"], scored_call["source"]) == (
        100,
        "scored",
        "roleplay",
    )
    slim = CONTRACT.document["components"]["schemas"]["SlimCall"]["properties"]
    row = {name: scored_call[name] for name in slim}
    for query in (
        {},
        {"source": "roleplay"},
        {"externalUserId": "rep_excellent"},
        {"externalAgencyId": "agency_1"},
        {"externalUserId": "rep_excellent", "externalAgencyId": "agency_1"},
        {"from": scored_call["endedAt"], "to": scored_call["endedAt"]},
    ):
        assert row in acme.list(**query).json()["data"]
    for query in ({"externalUserId": "rep_1"}, {"externalAgencyId": "agency_2"}, {"from": "2100-01-01T00:00:00Z"}):
        assert row not in acme.list(**query).json()["data"]


def test_the_next_page_begins_at_the_cursor(acme: Tenant) -> None:
    calls = [practise_call(acme, user, "agency_of_two")["id"] for user in ("rep_poor", "rep_good")]
    first = acme.list(externalAgencyId="agency_of_two", limit="1").json()
    second = acme.list(externalAgencyId="agency_of_two", limit="1", cursor=first["nextCursor"]).json()
    assert [call["id"] for call in first["data"] + second["data"]] == calls[::-1]
    assert second["nextCursor"] is None
    assert acme.list(limit="5000").status_code == 200


def test_a_tenant_cannot_see_another_tenants_calls(tenants: Resellers, scored_call: dict[str, Any]) -> None:
    assert tenants.other.list().json() == {"data": [], "nextCursor": None}
    assert error_code(tenants.other.read(scored_call["id"])) == (404, "CALL_NOT_FOUND")


Refusal = Callable[[Resellers], httpx.Response]


def _raw(method: str, path: str, operation_id: str, **options: Any) -> Refusal:
    def ask(tenants: Resellers) -> httpx.Response:
        headers = options.pop("headers", {})
        bearer = {"Authorization": f"Bearer {tenants.good.token()}"} if path == REDEEM else tenants.good.bearer
        return check_with_contract(
            tenants.good.http.request(method, path, headers=bearer | headers, **options), operation_id
        )

    return ask


LARGE = b" " * (1_048_576 + 1)
TEXT = {"Content-Type": "text/plain"}
JSON = {"Content-Type": "application/json"}


def _exhausted(ask: Callable[[Tenant], httpx.Response]) -> Refusal:
    def run(tenants: Resellers) -> httpx.Response:
        for _ in range(200):  # The limit is 60 a minute, and a new minute may begin during the test.
            answer = ask(tenants.slow)
            if answer.status_code == 429:
                break
        return answer

    return run


REFUSALS: dict[tuple[str, int, str], Refusal] = {
    ("mintSession", 400, "INVALID_REQUEST"): lambda all_: all_.good.mint(externalUserId=""),
    ("mintSession", 401, "INVALID_API_KEY"): lambda all_: all_.stranger.mint(),
    ("mintSession", 401, "API_KEY_REVOKED"): lambda all_: all_.revoked.mint(),
    ("mintSession", 403, "IP_NOT_ALLOWED"): lambda all_: all_.elsewhere.mint(),
    ("mintSession", 403, "TENANT_INACTIVE"): lambda all_: all_.gone.mint(),
    ("mintSession", 403, "TENANT_QUOTA_EXCEEDED"): lambda all_: (all_.quota.mint(), all_.quota.mint())[1],
    ("mintSession", 413, "INVALID_REQUEST"): _raw("POST", MINT, "mintSession", content=LARGE, headers=JSON),
    ("mintSession", 415, "INVALID_REQUEST"): _raw("POST", MINT, "mintSession", content=b"{}", headers=TEXT),
    ("mintSession", 429, "SERVICE_UNAVAILABLE"): _exhausted(lambda slow: slow.mint()),
    ("redeemSession", 400, "INVALID_REQUEST"): lambda all_: all_.good.redeem(all_.good.token(), difficulty="Hard"),
    ("redeemSession", 400, "DRILL_NOT_FOUND"): lambda all_: all_.good.redeem(all_.good.token(), drillKey="none"),
    ("redeemSession", 401, "INVALID_TOKEN"): lambda all_: all_.good.redeem("nonsense"),
    ("redeemSession", 401, "TOKEN_EXPIRED"): lambda all_: all_.good.redeem(all_.expired_token),
    ("redeemSession", 401, "TOKEN_ALREADY_USED"): lambda all_: _twice(all_.good),
    ("redeemSession", 403, "TENANT_INACTIVE"): lambda all_: all_.good.redeem(all_.late_token),
    ("redeemSession", 413, "INVALID_REQUEST"): _raw("POST", REDEEM, "redeemSession", content=LARGE, headers=JSON),
    ("redeemSession", 415, "INVALID_REQUEST"): _raw("POST", REDEEM, "redeemSession", content=b"{}", headers=TEXT),
    ("redeemSession", 503, "SERVICE_UNAVAILABLE"): lambda all_: all_.good.redeem(all_.good.token("rep_shut_out")),
    ("listCalls", 400, "INVALID_REQUEST"): lambda all_: all_.good.list(**{"from": "yesterday"}),
    ("listCalls", 401, "INVALID_API_KEY"): lambda all_: all_.nobody.list(),
    ("listCalls", 401, "API_KEY_REVOKED"): lambda all_: all_.revoked.list(),
    ("listCalls", 403, "IP_NOT_ALLOWED"): lambda all_: all_.elsewhere.list(),
    ("listCalls", 403, "TENANT_INACTIVE"): lambda all_: all_.gone.list(),
    ("listCalls", 429, "SERVICE_UNAVAILABLE"): _exhausted(lambda slow: slow.list()),
    ("getCall", 401, "INVALID_API_KEY"): lambda all_: all_.stranger.read("athos_call_x"),
    ("getCall", 401, "API_KEY_REVOKED"): lambda all_: all_.revoked.read("athos_call_x"),
    ("getCall", 403, "TENANT_INACTIVE"): lambda all_: all_.gone.read("athos_call_x"),
    ("getCall", 404, "CALL_NOT_FOUND"): lambda all_: all_.good.read("athos_call_GZ1DjOkZv_VEPoE-CJ8mp"),
    ("getCall", 429, "SERVICE_UNAVAILABLE"): _exhausted(lambda slow: slow.read("athos_call_x")),
}
#: A refusal of a healthy stack only in rare cases, and a limit that is too high here: see
#: tests/unit/roleplay/test_refusals.py.
ELSEWHERE = {("mintSession", 503), ("redeemSession", 429)}


def _twice(acme: Tenant) -> httpx.Response:
    token = acme.token()
    assert acme.redeem(token).status_code == 200
    return acme.redeem(token)


@pytest.mark.parametrize(("operation", "status", "error"), list(REFUSALS))
def test_each_refusal_has_the_contracts_code(tenants: Resellers, operation: str, status: int, error: str) -> None:
    answer = REFUSALS[operation, status, error](tenants)
    assert error_code(answer) == (status, error), answer.text
    assert ("x-amzn-remapped-www-authenticate" in answer.headers) == (status == 401)
    if status in (429, 503):
        assert int(answer.headers["retry-after"]) > 0


def test_every_declared_refusal_and_every_code_is_tested() -> None:
    declared = {(name, status) for name, one in OURS.operations.items() for status in one.statuses if status >= 400}
    assert {(name, status) for name, status, _ in REFUSALS} | ELSEWHERE == declared - {
        (name, 500) for name in OURS.operations
    }
    codes = set(CONTRACT.document["components"]["schemas"]["ErrorCode"]["enum"])
    assert {error for _, _, error in REFUSALS} == codes - {"INTERNAL_ERROR"}


def _bodies() -> Iterator[Any]:
    for field, values in {
        "externalUserId": (None, "", 7, True, [], {}, ["rep"]),
        "externalAgencyId": (None, "", 7, True, [], {}),
    }.items():
        for value in values:
            yield pytest.param(MINT, {"externalUserId": "rep", field: value}, id=f"mint {field} {value!r}")
    for field, values in {
        "drillKey": (None, 7, True, [], {}),
        "filters": (None, 7, "CA", [], {"state": 7}, {"state": None}, {"category": []}),
        "difficulty": (None, "", "elite", "Hard", 7, []),
    }.items():
        for value in values:
            yield pytest.param(REDEEM, DRILL | {field: value}, id=f"redeem {field} {value!r}")
    for path in (MINT, REDEEM):
        for whole in ({}, [], None, "text", 7):
            yield pytest.param(path, whole, id=f"{path} {whole!r}")


@pytest.mark.parametrize(("path", "body"), list(_bodies()))
def test_a_body_outside_the_schema_is_refused_and_spends_no_token(acme: Tenant, path: str, body: Any) -> None:
    operation = CONTRACT.operations["mintSession" if path == MINT else "redeemSession"]
    assert CONTRACT.errors(CONTRACT.body(operation), body), "the contract accepts this body"
    token = acme.token()
    bearer = acme.bearer if path == MINT else {"Authorization": f"Bearer {token}"}
    assert error_code(check_with_contract(acme.http.post(path, json=body, headers=bearer), operation.id)) == (
        400,
        "INVALID_REQUEST",
    )
    assert acme.redeem(token).status_code == 200


@pytest.mark.parametrize("text", [b"", b"{", b'{"drillKey": "a", "drillKey": "b"}', b'{"drillKey": NaN}', b"\xff"])
def test_a_body_other_than_json_is_refused_and_spends_no_token(acme: Tenant, text: bytes) -> None:
    token = acme.token()
    headers = {"Authorization": f"Bearer {token}"} | JSON
    answer = acme.http.post(REDEEM, content=text, headers=headers)
    assert error_code(check_with_contract(answer, "redeemSession")) == (400, "INVALID_REQUEST")
    assert acme.redeem(token).status_code == 200


@pytest.mark.parametrize("path", [MINT, REDEEM])
def test_an_unauthenticated_request_learns_nothing_about_its_body(acme: Tenant, path: str) -> None:
    answer = acme.http.post(path, content=b"{not json", headers=JSON)
    assert error_code(answer) == (401, "INVALID_API_KEY" if path == MINT else "INVALID_TOKEN")


def test_keys_and_tokens_are_not_interchangeable(acme: Tenant) -> None:
    token = acme.token()
    assert error_code(acme.redeem(acme.key)) == (401, "INVALID_TOKEN")
    assert error_code(Tenant(acme.http, token).mint()) == (401, "INVALID_API_KEY")
    assert error_code(Tenant(acme.http, token).list()) == (401, "INVALID_API_KEY")


def test_an_unknown_token_is_refused(tenants: Resellers) -> None:
    assert error_code(tenants.good.redeem(tenants.unknown_token)) == (401, "INVALID_TOKEN")


def test_it_ignores_correlation_id_and_idempotency_key(acme: Tenant) -> None:
    headers = acme.bearer | {"x-correlation-id": "two words", "Idempotency-Key": secrets.token_hex(16)}
    answers = [acme.http.post(MINT, json={"externalUserId": "rep"}, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() != answers[1].json()


def test_browsers_of_any_origin_may_only_redeem(acme: Tenant) -> None:
    asked = {"Origin": "https://rep.example", "Access-Control-Request-Method": "POST"}
    answer = acme.http.options(REDEEM, headers=asked | {"Access-Control-Request-Headers": "authorization,content-type"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["x-athos-request-id"].startswith("req_")
    for answer in (acme.redeem(acme.token()), acme.redeem("nonsense")):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "X-Athos-Request-Id" in answer.headers["access-control-expose-headers"]
    for path in (MINT, CALLS, f"{CALLS}/athos_call_x"):
        refused = acme.http.options(path, headers=asked)
        assert refused.status_code == 405
        assert "access-control-allow-origin" not in refused.headers
    for answer in (acme.mint(), acme.list(), acme.read("athos_call_x")):
        assert "access-control-allow-origin" not in answer.headers
