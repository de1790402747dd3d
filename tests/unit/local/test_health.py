"""`/api/health` reports whether the table that every request needs is available."""

from __future__ import annotations

import json

import pytest

from functions.hum.account.handler import handler
from infra import topology
from infra.local.engine import free_port
from infra.local.gateway import proxy_event
from infra.local.pool import Context
from switchboard.aws import clients


def _ask() -> tuple[int, dict[str, object]]:
    scope = {"method": "GET", "query_string": b"", "headers": [], "http_version": "1.1"}
    answer = handler(proxy_event(scope, "/api/health", b""), Context(topology.function("hum/account")))
    return answer["statusCode"], json.loads(answer["body"])


def test_health_is_ok_while_the_table_is_available(cloud: dict[str, str]) -> None:
    status, body = _ask()
    assert status == 200
    assert body["ok"] is True


def test_health_is_503_in_the_consoles_dialect_while_the_table_cannot_be_reached(
    cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
    clients._made.cache_clear()
    status, body = _ask()
    assert status == 503
    assert body["code"] == "service_unavailable"
    assert endpoint not in json.dumps(body)


def test_health_is_503_while_the_table_is_missing(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    clients.dynamodb_client().delete_table(TableName=cloud["SWITCHBOARD_TABLE_CORE"])
    assert _ask()[0] == 503
