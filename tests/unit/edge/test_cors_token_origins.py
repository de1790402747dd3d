"""Scripts of other origins: a token names the origins that may use it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.dialects.anima.dialect import Anima
from switchboard.dialects.hum.dialect import Hum
from switchboard.edge import cors
from switchboard.edge.api import Api
from switchboard.edge.dialect import Dialect, read_bearer_token
from switchboard.edge.exchange import Exchange
from switchboard.edge.router import AuthenticationScheme
from switchboard.errors import Unauthenticated
from tests.unit.edge.asking import Answer, send_request
from tests.unit.properties import example_settings

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

SHOP = "https://shop.example"
TOKENS = {"one": [SHOP, "https://*.partner.example:8443"], "none": [], "broken": ["*", "https://*", "null", ""]}


def _admit(exchange: Exchange) -> None:
    exchange.bearer = read_bearer_token(exchange)
    if exchange.bearer not in TOKENS:
        raise Unauthenticated("There is no such token.", code="unknown")
    exchange.origins = TOKENS[exchange.bearer]


def build_api(dialect: Dialect, base: str) -> Api:
    api = Api(dialect, "widgets")
    widget: dict[str, Any] = {
        "scheme": AuthenticationScheme("WidgetToken", _admit),
        "cross_origin": cors.TokenOrigins(),
        "summary": "s",
        "tag": "t",
    }

    @api.post(f"{base}/widget", operation_id="open", **widget)
    def open_widget() -> dict[str, str]:
        return {"token": api.exchange.bearer}

    @api.get(f"{base}/widget", operation_id="see", **widget)
    def see_widget() -> dict[str, str]:
        return {}

    @api.post(f"{base}/own", operation_id="own", summary="s", tag="t", public=True)
    def own() -> dict[str, str]:
        return {}

    return api


APIS = {"hum": (build_api(Hum(), "/api"), "/api"), "anima": (build_api(Anima(), "/v1"), "/v1")}
both = pytest.mark.parametrize("name", list(APIS))


def send_from_origin(
    name: str, method: str, origin: str | None, token: str | None = "one", path: str = "/widget"
) -> Answer:
    api, base = APIS[name]
    headers = {"Origin": origin} if origin is not None else {}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return send_request(api, method, base + path, headers=headers)


def shared_headers(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control")}


def is_readable(answer: Answer, origin: str) -> bool:
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["vary"] == "Origin"
    return shared_headers(answer).get("access-control-allow-origin") == origin


@both
@pytest.mark.parametrize(
    "origin", [SHOP, "https://a.partner.example:8443", "https://shop.example:443", "https://SHOP.example"]
)
def test_a_script_of_an_allowed_origin_reads_the_answer(name: str, origin: str) -> None:
    for method in ("POST", "GET"):
        answer = send_from_origin(name, method, origin)
        assert (answer.status, is_readable(answer, origin)) == (200, True)
        assert "access-control-expose-headers" in answer.headers


@both
@pytest.mark.parametrize(
    "origin",
    [
        *(None, "", "null", "*", "https://evil.example", "http://shop.example", "https://shop.example:8443"),
        *("https://shop.example.evil.example", "https://evilshop.example", "https://partner.example:8443"),
        *(
            "https://a.partner.example",
            "https://shop.example/",
            "https://*.partner.example:8443",
            "é",
            SHOP + "\r\nX: y",
        ),
    ],
)
def test_another_origin_is_refused_in_the_dialect_and_reads_nothing(name: str, origin: str | None) -> None:
    for token, method in (("one", "POST"), ("one", "GET"), ("none", "POST"), ("broken", "POST")):
        answer = send_from_origin(name, method, origin, token)
        assert (answer.status, shared_headers(answer), answer.headers["vary"]) == (403, {}, "Origin")
        body = json.loads(answer.body)
        if name == "hum":
            assert (body["error"], body["code"]) == ("forbidden", "origin_not_allowed")
        else:
            assert (body["status"], body["code"]) == (403, "FORBIDDEN")


@both
def test_a_token_without_origins_works_from_no_origin(name: str) -> None:
    for token in ("none", "broken"):
        assert send_from_origin(name, "POST", SHOP, token).status == 403


@both
def test_no_script_reads_the_reason_of_a_refused_token(name: str) -> None:
    for token in (None, "other"):
        answer = send_from_origin(name, "POST", SHOP, token)
        assert (answer.status, shared_headers(answer)) == (401, {})


@both
def test_a_preflight_request_is_answered_without_a_token(name: str) -> None:
    answer = send_from_origin(name, "OPTIONS", "https://any.example", None)
    assert (answer.status, answer.body) == (204, "")
    assert is_readable(answer, "https://any.example")
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert answer.headers["access-control-allow-headers"] == "Authorization, Content-Type"


@both
@pytest.mark.parametrize("origin", [None, "", "null", "*", "file://", "https://a.example/x", "chrome-extension://abc"])
def test_a_preflight_request_of_an_impossible_origin_is_refused(name: str, origin: str | None) -> None:
    answer = send_from_origin(name, "OPTIONS", origin, None)
    assert (answer.status, shared_headers(answer)) == (403, {})


@both
def test_no_other_path_is_shared(name: str) -> None:
    assert send_from_origin(name, "OPTIONS", SHOP, None, "/own").status == 405
    assert shared_headers(send_from_origin(name, "POST", SHOP, "one", "/own")) == {}


def test_console_operations_with_a_cookie_are_not_shared() -> None:
    assert send_from_origin("hum", "POST", SHOP, "one", "/own").status == 403
    assert send_from_origin("hum", "POST", SHOP, "one").status == 200


def test_an_answer_that_is_refused_for_another_reason_can_be_read() -> None:
    api, base = APIS["anima"]
    headers = {"Origin": SHOP, "Authorization": "Bearer one", "content-type": "text/plain"}
    answer = send_request(api, "POST", f"{base}/widget", b"x", headers=headers)
    assert (answer.status, is_readable(answer, SHOP)) == (415, True)
    answer = send_request(api, "DELETE", f"{base}/widget", headers=headers)
    assert (answer.status, shared_headers(answer), answer.headers["vary"]) == (405, {}, "Origin")


def test_an_invalid_declaration_is_refused() -> None:
    api = Api(Hum(), "widgets")
    with pytest.raises(ValueError, match="give it a scheme"):
        api.post("/api/x", summary="s", operation_id="x", tag="t", cross_origin=cors.TokenOrigins())
    with pytest.raises(ValueError, match="give it a scheme"):
        api.post("/api/x", summary="s", operation_id="x", tag="t", cross_origin=cors.TokenOrigins(), public=True)
    scheme = AuthenticationScheme("Token", _admit)
    api.post("/api/x", summary="s", operation_id="x", tag="t", cross_origin=cors.AnyOrigin(), scheme=scheme)
    with pytest.raises(ValueError, match="different cross-origin policy"):
        api.get("/api/x", summary="s", operation_id="y", tag="t", cross_origin=cors.TokenOrigins(), scheme=scheme)


def test_an_origin_is_returned_only_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_STRANGER_PER_MINUTE", "1000000")
    monkeypatch.setenv("SWITCHBOARD_STRANGER_PER_SECOND", "1000000")

    @example_settings(150)
    @given(
        origin=st.text(max_size=20)
        | st.builds("https://{}shop.example{}".format, st.text(max_size=5), st.text(max_size=5)),
        method=st.sampled_from(["POST", "OPTIONS"]),
    )
    def check_origin(origin: str, method: str) -> None:
        answer = send_from_origin("anima", method, origin)
        assert answer.status in (200, 204, 403)
        given_back = shared_headers(answer).get("access-control-allow-origin")
        if method == "POST":
            assert (given_back is not None) == (origin.lower() in (SHOP, f"{SHOP}:443"))
        assert given_back in (None, origin)

    check_origin()
