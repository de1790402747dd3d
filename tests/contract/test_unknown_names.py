"""Fields and query parameters that an operation does not know, in all four APIs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra import openapi
from tests.conftest import Stack
from tests.contract import world

_GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "errors.md"
_UNKNOWN = {"no_such_field": {"deep": [1]}}


def list_requests(keys: dict[str, str]) -> dict[str, tuple[str, str, dict[str, str], dict[str, Any]]]:
    """A request of each API: method, path, credentials and body."""
    agent = {"Authorization": f"Bearer {keys['ANIMA_AGENT_KEY']}"}
    call = {
        "action": "initiate_call",
        "agent_id": keys["OPTICOMM_AGENT_ID"],
        "phone_number": "+14155550142",
        "request_id": world.unique_name(),
    }
    contact = {"e164": "+14155550143", "display_name": "Grace"}
    return {
        "anima": ("POST", "/v1/email/send", agent, {"to": "you@example.com", "subject": "Hello", "body": "Hi"}),
        "opticomm": ("POST", "/functions/v1/external-api", {"X-API-Key": keys["OPTICOMM_TEST_KEY"]}, call),
        "athos": (
            "POST",
            "/api/external/v1/session",
            {"Authorization": f"Bearer {keys['ATHOS_KEY']}"},
            {"externalUserId": world.unique_name()},
        ),
        "hum": ("POST", "/api/contacts", {"Cookie": f"bh_hum_session={keys['HUM_SESSION']}"}, contact),
    }


@pytest.mark.parametrize("api", openapi.DESCRIPTIONS)
def test_an_unknown_field_and_an_unknown_parameter_are_ignored(stack: Stack, http: httpx.Client, api: str) -> None:
    method, path, credentials, body = list_requests(stack.keys)[api]
    answer = http.request(method, path, params={"no_such": "1"}, headers=credentials, json=body | _UNKNOWN)
    assert answer.is_success, answer.text
    assert "no_such" not in answer.text


def find_strict_operations() -> set[str]:
    """The operations whose body has an object that takes no other fields, as `METHOD /path`."""
    found = set()
    for api in openapi.DESCRIPTIONS:
        document = json.loads((openapi.FOLDER / f"{api}.json").read_text())
        schemas = document["components"]["schemas"]
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if isinstance(operation, dict) and any(
                    part.get("additionalProperties") is False for part in _parts(operation.get("requestBody"), schemas)
                ):
                    found.add(f"{method.upper()} {path}")
    return found


def _parts(schema: Any, schemas: dict[str, Any], seen: frozenset[str] = frozenset()) -> Iterator[dict[str, Any]]:
    if isinstance(schema, list):
        for part in schema:
            yield from _parts(part, schemas, seen)
    if isinstance(schema, dict):
        yield schema
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            yield from _parts(schemas[name], schemas, seen | {name})
        for part in schema.values():
            yield from _parts(part, schemas, seen)


def test_the_guide_lists_the_operations_that_refuse_unknown_fields() -> None:
    section = _GUIDE.read_text().partition("## Unknown fields and parameters\n")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `([A-Z]+ /[^`]+)` \|", section, re.MULTILINE))
    assert listed == find_strict_operations()
