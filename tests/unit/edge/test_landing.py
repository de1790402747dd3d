"""The base path of an API, opened in a browser."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from infra import topology
from infra.local.pool import Context

pytestmark = pytest.mark.usefixtures("cloud")

_PAGE = {"Accept": "text/html,application/xhtml+xml"}
_BASES = {"anima": "/v1", "opticomm": "/functions/v1", "athos": "/api/external/v1", "hum": "/api"}


def ask(api: str, path: str, headers: dict[str, str], method: str = "GET") -> dict[str, Any]:
    fallback = next(one for one in topology.APIS if one.name == api).fallback
    handler = importlib.import_module(f"functions.{fallback.replace('/', '.')}.handler").handler
    event: dict[str, Any] = {
        "httpMethod": method,
        "path": path,
        "headers": headers,
        "requestContext": {"identity": {}},
        "body": None,
    }
    answer: dict[str, Any] = handler(event, Context(topology.function(fallback)))
    return answer


@pytest.mark.parametrize(("api", "base"), _BASES.items())
def test_people_are_sent_to_the_documentation(api: str, base: str) -> None:
    for path in (base, f"{base}/"):
        answer = ask(api, path, _PAGE)
        assert answer["statusCode"] == 302
        assert answer["headers"]["location"] == f"{'../' * (path.count('/') - 1) or './'}docs/{api}"


@pytest.mark.parametrize(("api", "base"), _BASES.items())
def test_clients_get_the_error_of_the_dialect(api: str, base: str) -> None:
    for headers, path, method in (
        ({}, base, "GET"),
        ({"Accept": "application/json"}, base, "GET"),
        (_PAGE, f"{base}/nothing", "GET"),
        (_PAGE, base, "POST"),
        ({**_PAGE, "Authorization": "Bearer x"}, base, "GET"),
    ):
        answer = ask(api, path, headers, method)
        assert answer["statusCode"] >= 400, (headers, path, method)
        assert "json" in answer["headers"]["content-type"]


def test_an_address_without_a_domain_has_no_documentation() -> None:
    assert ask("anima", "/", _PAGE)["statusCode"] == 404
