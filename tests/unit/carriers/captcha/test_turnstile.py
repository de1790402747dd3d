"""Turnstile: what its answers mean, and what happens without an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.aws import clients
from switchboard.carriers import captcha
from switchboard.carriers.captcha import CaptchaDownError, CaptchaResult
from switchboard.carriers.captcha.simulator import SPENT_TOKEN, TEST_TOKEN
from switchboard.kit import settings
from switchboard.outbound import client
from tests.tables import each

pytestmark = pytest.mark.usefixtures("cloud", "frozen")
SECRET = "0x4AAAAAAA-secret"
GOOD = {"success": True, "hostname": "shop.example", "action": "widget_session", "error-codes": []}


def configure(monkeypatch: pytest.MonkeyPatch, answer: Any, secret: str = SECRET) -> list[tuple[str, dict[str, Any]]]:
    """Let Cloudflare give an answer: its JSON, a status with a body, or an error."""
    got: list[tuple[str, dict[str, Any]]] = []

    async def post(_: Any, url: str, __: Any, body: bytes, seconds: float) -> client.Response:
        assert seconds <= 5
        got.append((url, json.loads(body)))
        if isinstance(answer, Exception):
            raise answer
        status, text = answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())
        return client.Response(status, {}, text, 1)

    monkeypatch.setattr(client.GuardedClient, "post", post)
    clients.get_client("secretsmanager").create_secret(Name="turnstile", SecretString=secret)
    monkeypatch.setenv("SWITCHBOARD_TURNSTILE_SECRET", "turnstile")
    return got


def check(token: str = "0.token") -> CaptchaResult:
    found = captcha.find_captcha()
    assert found is not None
    return found.check_token(token, "203.0.113.9")


def test_a_good_token_is_good_for_its_page_and_action_only(monkeypatch: pytest.MonkeyPatch) -> None:
    got = configure(monkeypatch, GOOD)
    result = check()
    assert result.is_for("shop.example", "widget_session")
    assert not result.is_for("evil.example", "widget_session")
    assert not result.is_for("shop.example", "login")
    assert got == [
        (
            "https://challenges.cloudflare.com/turnstile/v0/siteverify",
            {"secret": SECRET, "response": "0.token", "remoteip": "203.0.113.9"},
        )
    ]


@pytest.mark.parametrize("code", ["invalid-input-response", "timeout-or-duplicate", "missing-input-response"])
def test_a_bad_token_is_the_visitors_fault(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    configure(monkeypatch, (400, json.dumps({"success": False, "error-codes": [code]}).encode()))
    assert check() == CaptchaResult(success=False, codes=(code,))


@pytest.mark.parametrize(
    "answer",
    [
        {"success": False, "error-codes": ["invalid-input-secret"]},
        {"success": False, "error-codes": ["internal-error"]},
        (503, b"{}"),
        (200, b"<html>"),
        (200, b"[]"),
        client.TimedOutError("too slow"),
    ],
    ids=str,
)
def test_a_fault_that_is_not_the_visitors_passes_nobody(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    configure(monkeypatch, answer)
    with pytest.raises(CaptchaDownError):
        check()


@pytest.mark.parametrize("success", ["true", 1, None, {}])
def test_only_true_is_a_success(monkeypatch: pytest.MonkeyPatch, success: Any) -> None:
    configure(monkeypatch, GOOD | {"success": success})
    assert not check().success


def test_an_impossible_token_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    got = configure(monkeypatch, GOOD)
    assert not check("").success
    assert not check("x" * 2_049).success
    assert got == []


def test_a_test_secret_lets_nobody_pass_in_a_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, {"success": True}, secret="1x0000000000000000000000000000000AA")
    assert check().is_for("shop.example", "widget_session")
    monkeypatch.setattr(settings, "stage", lambda: "prod")
    with pytest.raises(CaptchaDownError):
        check()


@each("token, success", [(TEST_TOKEN, True), (SPENT_TOKEN, False), ("guess", False), ("", False)])
def test_the_local_stack_answers_like_the_test_secrets(token: str, success: bool) -> None:
    assert check(token).success is success


def test_a_deployment_without_a_secret_has_no_captcha(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "stage", lambda: "prod")
    assert captcha.find_captcha() is None
    assert captcha.site_key() is None


def test_a_page_with_its_own_secret_needs_none_of_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    got = configure(monkeypatch, GOOD)
    monkeypatch.delenv("SWITCHBOARD_TURNSTILE_SECRET")
    monkeypatch.setattr(settings, "stage", lambda: "prod")
    assert captcha.find_captcha() is None
    found = captcha.find_captcha(with_secret=True)
    assert found is not None
    assert found.check_token("0.token", "", "0xOWN").success
    assert [told["secret"] for _, told in got] == ["0xOWN"]
