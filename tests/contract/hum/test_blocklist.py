"""HUM over HTTP: the blocklist."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import Stack
from tests.contract import console
from tests.contract.console import Console, Person
from tests.contract.hum.conftest import assert_refused
from tests.contract.world import Organization


def test_a_number_is_blocked_once_in_any_spelling(http: httpx.Client) -> None:
    org = console.open_organization(http)
    first = org.operator.post("/api/blocklist", {"e164": "+1 (415) 555-0142", "reason": "asked"}).json()
    assert first["ok"] is True
    block = first["blocked_number"]
    assert (block["e164"], block["reason"], block["created_by"]) == ("+14155550142", "asked", org.operator.user.id)
    assert org.admin.post("/api/blocklist", {"e164": "+14155550142", "reason": "again"}).json() == first
    assert org.viewer.get("/api/blocklist").json() == {"blocked_numbers": [block], "next_cursor": None}
    assert org.operator.delete(f"/api/blocklist/{block['id']}").json() == {"ok": True}
    assert_refused(org.operator.delete(f"/api/blocklist/{block['id']}"), 404, "not_found")
    assert org.viewer.get("/api/blocklist").json()["blocked_numbers"] == []


@pytest.mark.parametrize("e164", ["", "1", "nonsense", "+1", "+1415555", "++14155550142", "+14155550142x", "x" * 33])
def test_an_invalid_number_is_not_blocked(org: Console, e164: str) -> None:
    answer = org.admin.post("/api/blocklist", {"e164": e164})
    assert_refused(answer, 400, "invalid_number" if 2 <= len(e164) <= 32 else "invalid_request")
    assert [detail["field"] for detail in answer.json()["details"]] == ["e164"]


def test_pages_stay_stable_while_rows_change(http: httpx.Client) -> None:
    org = console.open_organization(http)
    numbers = sorted({console.next_number() for _ in range(12)})
    for one in numbers[::2]:
        org.admin.post("/api/blocklist", {"e164": one})
    seen, cursor = [], ""
    for late in [*numbers[1::2], None, None]:
        page = org.viewer.get("/api/blocklist", limit="2", **({"cursor": cursor} if cursor else {})).json()
        seen += [one["e164"] for one in page["blocked_numbers"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
        if late:
            org.admin.post("/api/blocklist", {"e164": late})
    assert len(seen) == len(set(seen))
    assert set(seen) >= set(numbers[::2])
    assert seen == sorted(seen)


def test_a_cursor_is_good_for_its_list_and_its_organization_only(org: Console, other: Console) -> None:
    for _ in range(2):
        org.admin.post("/api/blocklist", {"e164": console.next_number()})
    cursor = org.admin.get("/api/blocklist", limit="1").json()["next_cursor"]
    assert org.admin.get("/api/blocklist", cursor=cursor).status_code == 200
    for person, text in ((other.admin, cursor), (org.admin, cursor[:-2] + "xx"), (org.admin, "x")):
        assert_refused(person.get("/api/blocklist", cursor=text), 400, "invalid_cursor")
    assert_refused(org.admin.get("/api/contacts", cursor=cursor), 400, "invalid_cursor")
    for limit in ("0", "101", "many"):
        assert_refused(org.admin.get("/api/blocklist", limit=limit), 400, "invalid_request")


def test_no_api_calls_a_blocked_number(http: httpx.Client, demo: Organization, stack: Stack) -> None:
    admin = Person(http, console.add_person(http).user, stack.keys["HUM_SESSION"])
    call = {"to": "+14155550171", "tier": "basic", "metadata": {"consent_source": "business-relationship"}}
    start = {
        "action": "initiate_call",
        "agent_id": stack.keys["OPTICOMM_AGENT_ID"],
        "phone_number": "+14155550171",
        "variables": {"customer_name": "Ada"},
    }
    keyed = {"X-API-Key": stack.keys["OPTICOMM_TEST_KEY"]}
    block = admin.post("/api/blocklist", {"e164": "+14155550171"}).json()["blocked_number"]
    anima = http.post("/v1/voice/calls", json=call, headers=demo.agent)
    assert (anima.status_code, anima.json()["details"]["gate"]) == (403, "dnc")
    opticomm = http.post("/functions/v1/external-api", json=start, headers=keyed)
    assert (opticomm.status_code, opticomm.json()["error"]) == (403, "PHONE_ON_DNC")
    assert admin.delete(f"/api/blocklist/{block['id']}").status_code == 200
    assert http.post("/v1/voice/calls", json=call, headers=demo.agent).status_code == 200
    assert http.post("/functions/v1/external-api", json=start, headers=keyed).status_code == 200


def test_the_people_of_the_demo_have_sessions(http: httpx.Client, stack: Stack) -> None:
    for name, role in (("HUM_SESSION", "admin"), ("HUM_VIEWER_SESSION", "viewer")):
        found = http.get("/api/me", headers={"Cookie": f"{console.COOKIE}={stack.keys[name]}"}).json()
        assert (found["org"]["id"], found["role"]) == (stack.keys["ORGANIZATION_ID"], role)
