"""HUM over HTTP: the organization."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract import console
from tests.contract.console import Console
from tests.contract.hum.conftest import assert_refused


def test_a_patch_sets_what_it_names_empties_what_is_null_and_leaves_the_rest(http: httpx.Client) -> None:
    org = console.open_organization(http)
    admin = org.admin
    before = admin.get("/api/orgs/current").json()
    changed = admin.patch(
        "/api/orgs/current",
        {"name": "New", "contact_name": "Ada", "contact_phone": "+14155550100", "default_provider": "gemini"},
    ).json()
    wanted = {"name": "New", "contact_name": "Ada", "contact_phone": "+14155550100", "default_provider": "gemini"}
    assert changed == before | wanted | {"updated_at": changed["updated_at"]}
    assert changed["updated_at"] > before["updated_at"]
    emptied = admin.patch("/api/orgs/current", {"name": "New", "contact_name": None}).json()
    assert emptied == changed | {"contact_name": None, "updated_at": emptied["updated_at"]}
    assert org.viewer.get("/api/orgs/current").json() == emptied


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"contact_name": "Ada"},
        {"name": None},
        {"name": "  "},
        {"name": "x" * 201},
        {"name": "A", "contact_email": "nobody"},
        {"name": "A", "contact_phone": "x" * 33},
        {"name": "A", "address_city": "x" * 121},
        {"name": "A", "default_provider": "siri"},
        {"name": "A", "default_provider": None},
        {"name": 7},
    ],
)
def test_an_invalid_profile_is_refused_and_changes_nothing(org: Console, body: dict[str, Any]) -> None:
    before = org.admin.get("/api/orgs/current").json()
    answer = org.admin.patch("/api/orgs/current", body)
    assert_refused(answer, 400, "invalid_request")
    assert all({"field", "message"} == set(detail) for detail in answer.json()["details"])
    assert org.admin.get("/api/orgs/current").json() == before
