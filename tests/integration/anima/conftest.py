"""Anima over HTTP: shared requests and checks."""

from __future__ import annotations

from typing import Any

import httpx

MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent."}


SEND = "/v1/email/send"


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Assert a problem document with its legacy sibling. Returns its details."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    body: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert body["type"] == "https://docs.useanima.sh/errors/" + code.lower().replace("_", "-")
    assert body["instance"] == answer.request.url.path
    assert body["error"] == {"code": code, "message": body["detail"], "details": body["details"]}
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["x-correlation-id"]
    assert int(answer.headers["x-ratelimit-limit"]) > 0
    details: dict[str, Any] = body["details"]
    return details
