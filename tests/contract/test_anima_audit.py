"""Verifies the audit chain as a third party does: from the responses and the published formula only."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from tests.contract.world import MAIL, OURS, Organization, unique_name

MARKS = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def canonical_json(value: Any) -> str:
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
            return f"[{','.join(map(canonical_json, value))}]"
        case dict():
            return (
                "{" + ",".join(f"{canonical_json(name)}:{canonical_json(value[name])}" for name in sorted(value)) + "}"
            )
    raise AssertionError(f"no event holds {value!r}")


def hash_is_valid(event: dict[str, Any]) -> bool:
    """Whether an event's hash equals the formula's result over the event without its hash."""
    rest = {name: value for name, value in event.items() if name != "immutableHash"}
    text = f"{event['prevHash']}\n{canonical_json(rest)}"
    return bool(event["immutableHash"] == "sha256:" + hashlib.sha256(text.encode()).hexdigest())


def list_events(org: Organization, workflow: str, **query: str) -> dict[str, Any]:
    answer = org.http.get("/v1/audit/events", params={"correlation_id": workflow, **query}, headers=org.agent)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def wait_for_sealed_events(org: Organization, workflow: str, count: int) -> list[dict[str, Any]]:
    """The events of a workflow, once the expected number is sealed."""
    deadline = time.monotonic() + 30
    while True:
        events: list[dict[str, Any]] = list_events(org, workflow)["events"]
        for event in events:
            places = [event[name] is None for name in ("seq", "prevHash", "immutableHash")]
            assert all(places) or not any(places), "an event has all fields of its position, or none"
        if len([event for event in events if event["seq"]]) >= count:
            return events
        assert time.monotonic() < deadline, "the events are not sealed"
        time.sleep(0.1)


def test_every_listed_event_verifies_alone_by_the_published_formula(demo: Organization) -> None:
    workflow = unique_name()
    mail = MAIL | {"subject": 'Überweisung "eilt" 🙂', "metadata": {"Zürich": 'a\\b "c"', "a": 1}}
    sent = demo.http.post("/v1/email/send", json=mail, headers=demo.agent | {"x-correlation-id": workflow})
    assert sent.status_code == 200, sent.text
    events = wait_for_sealed_events(demo, workflow, 3)
    assert [event["action"] for event in events] == ["email.queued", "email.sent", "email.delivered"]
    for event in events:
        assert hash_is_valid(event), event
        for name, value in event.items():
            assert not hash_is_valid(event | {name: f"{value}x"}), name


def test_an_event_is_the_same_in_the_list_and_in_the_export(demo: Organization) -> None:
    workflow = unique_name()
    demo.http.post("/v1/email/send", json=MAIL, headers=demo.agent | {"x-correlation-id": workflow})
    for event in wait_for_sealed_events(demo, workflow, 3):
        part = {"after": event["seq"] - 1, "limit": 1}
        exported = demo.http.get("/v1/audit/export", params=part, headers=demo.master).json()
        assert exported["documents"] == [event]


def test_the_last_page_has_no_cursor(demo: Organization) -> None:
    workflow = unique_name()
    demo.http.post("/v1/email/send", json=MAIL, headers=demo.agent | {"x-correlation-id": workflow})
    whole = wait_for_sealed_events(demo, workflow, 3)
    found, query = [], {"limit": "1"}
    while True:
        page = list_events(demo, workflow, **query)
        found += page["events"]
        assert page["pagination"]["hasMore"] is (page["pagination"]["nextCursor"] is not None)
        if not page["pagination"]["hasMore"]:
            break
        query["cursor"] = page["pagination"]["nextCursor"]
    assert found == whole


def test_the_document_names_only_hashed_fields() -> None:
    schema = OURS.document["components"]["schemas"]["AuditEvent"]
    assert set(schema["properties"]) == set(schema["required"]) == set(schema["examples"][0])
    assert "sealed" not in schema["properties"]
