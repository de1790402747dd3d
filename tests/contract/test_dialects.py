"""Responses that every API gives in its own dialect: unknown path, wrong method, missing credential."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import pytest

from switchboard.accounts import credentials
from switchboard.accounts.models import KeyKind
from tests.contract.spec import LIMITS, ORACLE, Spec

#: Keys that stand in a test's name: every process that runs tests must derive the same names.
SEED = bytes(32)


@dataclass(frozen=True)
class Dialect:
    """How an API words a refusal."""

    name: str
    error: str
    media_type: str
    unknown: str
    known: str
    allow: str
    not_found: str
    not_allowed: str
    #: Statuses that the contract's list of codes lacks. The API returns the nearest code.
    response_headers: tuple[str, ...] = ()

    def check(self, answer: httpx.Response, status: int, code: str) -> None:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == self.media_type
        for header in ("x-request-id", *LIMITS, *self.response_headers):
            assert header in answer.headers, header
        contract = Spec.read(ORACLE / f"{self.name}.json")
        assert not contract.errors(contract.document["components"]["schemas"][self.error], answer.json())
        assert read_code(self.name, answer) == code


def read_code(name: str, answer: httpx.Response) -> str:
    body = answer.json()
    match name:
        case "anima":
            assert body["error"] == {"code": body["code"], "message": body["detail"], "details": body["details"]}
            return str(body["code"])
        case "opticomm":
            assert body.keys() == {"success", "error", "message"}
            return str(body["error"])
        case "athos":
            assert body["error"]["requestId"] == answer.headers["x-athos-request-id"]
            return str(body["error"]["code"])
        case _:
            assert body["error"] == body["code"]
            assert body.keys() == {"error", "code", "message", "details"}
            return str(body["code"])


ANIMA = Dialect(
    *("anima", "Problem", "application/problem+json", "/v1/nothing/here", "/v1/email/send", "POST"),
    *("NOT_FOUND", "METHOD_NOT_ALLOWED"),
    response_headers=("x-correlation-id",),
)
OPTICOMM = Dialect(
    *("opticomm", "ErrorResponse", "application/json", "/functions/v1/nothing", "/functions/v1/external-api", "POST"),
    *("INVALID_ACTION", "INVALID_ACTION"),
)
ATHOS = Dialect(
    *("athos", "Error", "application/json", "/api/external/v1/nothing", "/api/external/v1/calls", "GET"),
    *("INVALID_REQUEST", "INVALID_REQUEST"),
    response_headers=("x-athos-request-id",),
)
HUM = Dialect(
    *("hum", "ErrorResponse", "application/json", "/nothing", "/api/health", "GET"),
    *("not_found", "method_not_allowed"),
)
ALL = (ANIMA, OPTICOMM, ATHOS, HUM)


def _name(dialect: Dialect) -> str:
    return dialect.name


@pytest.mark.parametrize("dialect", ALL, ids=_name)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_unknown_path_is_404(http: httpx.Client, dialect: Dialect, method: str) -> None:
    dialect.check(http.request(method, dialect.unknown), 404, dialect.not_found)


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/email", "/v1/emails", "/v1/email/send/more", "/v1//email/send"])
def test_a_path_that_only_resembles_anima_is_404(http: httpx.Client, path: str) -> None:
    ANIMA.check(http.get(path), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "path", ["/nothing", "/api", "/api/nothing", "/auth/nothing", "/functions/v2", "/v2/email/send", "/v10"]
)
def test_an_unknown_path_is_answered_by_hum(http: httpx.Client, path: str) -> None:
    HUM.check(http.get(path), 404, "not_found")


@pytest.mark.parametrize("dialect", ALL, ids=_name)
def test_a_wrong_method_is_405_and_lists_the_allowed_ones(http: httpx.Client, dialect: Dialect) -> None:
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {dialect.allow}:
        answer = http.request(method, dialect.known)
        dialect.check(answer, 405, dialect.not_allowed)
        assert answer.headers["allow"] == dialect.allow


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "MISSING_API_KEY"),
        ("", "MISSING_API_KEY"),
        ("sk_live_short", "INVALID_API_KEY_FORMAT"),
        (credentials.mint_key(KeyKind.OPTICOMM_LIVE, SEED).text[:-1] + "~", "INVALID_API_KEY_FORMAT"),
        (credentials.mint_key(KeyKind.AGENT, SEED).text, "INVALID_API_KEY_FORMAT"),
        (credentials.mint_key(KeyKind.OPTICOMM_LIVE, SEED).text, "INVALID_API_KEY"),
        (credentials.mint_key(KeyKind.OPTICOMM_TEST, SEED).text, "INVALID_API_KEY"),
    ],
)
def test_opticomm_without_a_good_key_is_401(http: httpx.Client, key: str | None, code: str) -> None:
    headers = {} if key is None else {"X-API-Key": key}
    answer = http.post(OPTICOMM.known, content=b"{not json", headers=headers | {"Content-Type": "application/json"})
    OPTICOMM.check(answer, 401, code)


@pytest.mark.parametrize(
    "authorization",
    [None, "Bearer ath_live_short", f"Bearer {credentials.mint_key(KeyKind.ATHOS, SEED).text}", "Basic eDp5"],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/external/v1/calls"), ("POST", "/api/external/v1/session")])
def test_athos_without_a_good_key_is_401(http: httpx.Client, authorization: str | None, method: str, path: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    ATHOS.check(http.request(method, path, headers=headers), 401, "INVALID_API_KEY")


@pytest.mark.parametrize("cookie", [None, "bh_hum_session=nonsense"])
def test_hum_without_a_session_is_401(http: httpx.Client, cookie: str | None) -> None:
    HUM.check(http.get("/api/me", headers={"Cookie": cookie} if cookie else {}), 401, "unauthorized")


def test_every_request_has_a_unique_id(http: httpx.Client) -> None:
    for dialect in ALL:
        assert len({http.get(dialect.unknown).headers["x-request-id"] for _ in range(3)}) == 3


def test_athos_header_and_body_have_the_same_request_id(http: httpx.Client) -> None:
    answer = http.get(ATHOS.unknown)
    assert answer.headers["x-request-id"] == answer.headers["x-athos-request-id"]


def test_hum_says_that_it_is_up(http: httpx.Client) -> None:
    answer = http.get("/api/health")
    assert (answer.status_code, answer.json()["ok"]) == (200, True)
