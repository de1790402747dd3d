"""The audit chain as a stranger verifies it: with nothing but the answers, and the formula of the document."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from tests.contract.world import MAIL, OURS, Organization, unique

MARKS = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def canonical(value: Any) -> str:
    """JSON with sorted keys, no white space and UTF-8 text, by RFC 8259 alone."""
    match value:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[value]
        case int():
            return str(value)
        case str():
            shown = (MARKS.get(one, one if one >= " " else f"\\u{ord(one):04x}") for one in value)
            return f'"{"".join(shown)}"'
        case list():
            return f"[{','.join(map(canonical, value))}]"
        case dict():
            return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in sorted(value)) + "}"
    raise AssertionError(f"no event holds {value!r}")


def verifies(event: dict[str, Any]) -> bool:
    """Whether an event has the hash that the formula gives, when its hash alone is taken out."""
    rest = {name: value for name, value in event.items() if name != "immutableHash"}
    text = f"{event['prevHash']}\n{canonical(rest)}"
    return bool(event["immutableHash"] == "sha256:" + hashlib.sha256(text.encode()).hexdigest())


def listed(org: Organization, workflow: str, **query: str) -> dict[str, Any]:
    answer = org.http.get("/v1/audit/events", params={"correlation_id": workflow, **query}, headers=org.agent)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def settled(org: Organization, workflow: str, count: int) -> list[dict[str, Any]]:
    """A workflow's events, as soon as so many are sealed."""
    deadline = time.monotonic() + 30
    while True:
        events: list[dict[str, Any]] = listed(org, workflow)["events"]
        for event in events:
            places = [event[name] is None for name in ("seq", "prevHash", "immutableHash")]
            assert all(places) or not any(places), "an event has its place as a whole, or none of it"
        if len([event for event in events if event["seq"]]) >= count:
            return events
        assert time.monotonic() < deadline, "the events are not sealed"
        time.sleep(0.1)


def test_every_listed_event_verifies_alone_by_the_published_formula(demo: Organization) -> None:
    workflow = unique()
    mail = MAIL | {"subject": 'Überweisung "eilt" 🙂', "metadata": {"Zürich": 'a\\b "c"', "a": 1}}
    sent = demo.http.post("/v1/email/send", json=mail, headers=demo.agent | {"x-correlation-id": workflow})
    assert sent.status_code == 200, sent.text
    events = settled(demo, workflow, 3)
    assert [event["action"] for event in events] == ["email.queued", "email.sent", "email.delivered"]
    for event in events:
        assert verifies(event), event
        for name, value in event.items():
            assert not verifies(event | {name: f"{value}x"}), name


def test_an_event_is_listed_as_it_is_exported(demo: Organization) -> None:
    workflow = unique()
    demo.http.post("/v1/email/send", json=MAIL, headers=demo.agent | {"x-correlation-id": workflow})
    for event in settled(demo, workflow, 3):
        part = {"after": event["seq"] - 1, "limit": 1}
        exported = demo.http.get("/v1/audit/export", params=part, headers=demo.master).json()
        assert exported["documents"] == [event]


def test_pages_go_on_from_a_cursor_and_the_last_has_none(demo: Organization) -> None:
    workflow = unique()
    demo.http.post("/v1/email/send", json=MAIL, headers=demo.agent | {"x-correlation-id": workflow})
    whole = settled(demo, workflow, 3)
    found, query = [], {"limit": "1"}
    while True:
        page = listed(demo, workflow, **query)
        found += page["events"]
        assert page["pagination"]["hasMore"] is (page["pagination"]["nextCursor"] is not None)
        if not page["pagination"]["hasMore"]:
            break
        query["cursor"] = page["pagination"]["nextCursor"]
    assert found == whole


def test_the_document_names_no_field_that_is_not_hashed() -> None:
    schema = OURS.document["components"]["schemas"]["AuditEvent"]
    assert set(schema["properties"]) == set(schema["required"]) == set(schema["examples"][0])
    assert "sealed" not in schema["properties"]
