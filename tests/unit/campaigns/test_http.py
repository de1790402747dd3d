"""HUM's `/api/sms/campaigns*`, as a browser uses it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.local import pool
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.numbers.models import Number
from switchboard.people import sessions
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import member
from tests.load.request import api_event
from tests.unit.call_records.desk import Ask, ask_as
from tests.unit.campaigns.desk import contact, import_all, make_campaign, make_rows, to_lines

pytestmark = pytest.mark.usefixtures("cloud", "frozen")
PATH = "/sms/campaigns"


@pytest.fixture(autouse=True)
def _many_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person may send many requests while the clock stands still."""
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_MINUTE", "100000")
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_SECOND", "10000")


@pytest.fixture
def ask(ada: Member) -> Ask:
    return ask_as(ada, "hum/campaigns")


def body(number: Number, **given: Any) -> dict[str, Any]:
    return {"name": "Spring", "twilio_number_id": number.id, "body_template": "Hello {{name}}."} | given


def send_rows(who: Member, path: str, content: bytes, media_type: str = "application/x-ndjson") -> tuple[int, Any]:
    """Sends a body of JSON lines."""
    event = api_event("POST", f"/api{path}", {"cookie": f"{COOKIE}={sessions.open_session(who.user, who.org_id)}"})
    event["headers"] = {**(event["headers"] or {}), "content-type": media_type}
    event["multiValueHeaders"] = {**(event["multiValueHeaders"] or {}), "content-type": [media_type]}
    answer = pool.invoke("hum/campaigns", event | {"body": content.decode()})
    return answer["statusCode"], json.loads(answer["body"])


def test_a_new_campaign_has_the_form_of_the_contract(ada: Member, number: Number, ask: Ask) -> None:
    rows = [{"contact_e164": contact(0), "variables": {"name": "Ada"}}]
    status, made = ask("POST", PATH, body(number, recipients=rows, throttle_per_minute=600))
    assert status == 201
    (batch,) = made.pop("batches")
    assert (batch["status"], batch["rows"], batch["imported"]) == ("imported", 1, 1)
    now = "2026-01-15T17:00:00.000Z"
    counts = dict.fromkeys(("sent", "delivered", "failed", "opted_out", "cancelled", "replied"), 0)
    assert made == {
        "id": made["id"],
        "name": "Spring",
        "status": "draft",
        "pause_reason": None,
        "twilio_number_id": number.id,
        "flow_id": None,
        "body_template": "Hello {{name}}.",
        "throttle_per_minute": 600,
        "scheduled_start_at": None,
        "purpose": "informational",
        "counts": {"total": 1, "pending": 1, **counts},
        "recipient_summary": {"rows": 1, "imported": 1, "duplicates": 0, "invalid": 0, "importing": False},
        "starts_at": None,
        "created_by": ada.user_id,
        "launched_by": None,
        "created_at": now,
        "updated_at": now,
        "launched_at": None,
        "started_at": None,
        "completed_at": None,
    }
    assert ask("GET", PATH) == (200, {"campaigns": [made], "next_cursor": None})
    assert ask("GET", f"{PATH}/{made['id']}") == (200, made | {"batches": [batch]})
    _, page = ask("GET", f"{PATH}/{made['id']}/recipients?status=pending")
    assert page == {
        "recipients": [
            {
                "index": 0,
                "contact_e164": contact(0),
                "status": "pending",
                "error_code": None,
                "put_off_until": None,
                "message_id": None,
                "conversation_id": None,
                "replied_at": None,
                "variables": {"name": "Ada"},
                "batch_id": batch["id"],
                "row": 1,
            }
        ],
        "next_cursor": None,
    }


def test_a_batch_reports_its_bad_rows(ada: Member, number: Number, ask: Ask) -> None:
    campaign = make_campaign(ada, number)
    path = f"{PATH}/{campaign.id}"
    status, batch = send_rows(ada, f"{path}/recipients", to_lines([*make_rows(0, 2), "bad", *make_rows(1, 2)]))
    assert (status, batch["status"], batch["rows"], batch["imported"]) == (202, "waiting", 4, 0)
    assert ask("GET", path)[1]["recipient_summary"]["importing"] is True
    import_all(campaign)
    _, report = ask("GET", f"{path}/batches/{batch['id']}")
    assert report["problems"] == [
        {"row": 3, "code": "invalid_json", "message": "the row is not a JSON object"},
        {"row": 4, "code": "duplicate", "message": "another row has this number"},
    ]
    assert (report["imported"], report["duplicates"], report["invalid"]) == (2, 1, 1)
    assert send_rows(ada, f"{path}/recipients", b"{}", "application/json")[0] == 415


def test_a_campaign_is_launched_paused_and_cancelled(ada: Member, number: Number, ask: Ask) -> None:
    path = f"{PATH}/{make_campaign(ada, number, 1).id}"
    for act, status in (("launch", "queued"), ("pause", "paused"), ("launch", "queued"), ("cancel", "cancelled")):
        code, answer = ask("POST", f"{path}/{act}")
        # The number is not registered for texts to the United States.
        warned = [one["code"] for one in answer.pop("warnings", [])]
        assert (code, answer) == (200, {"ok": True})
        assert warned == (["a2p_unregistered"] if act == "launch" else [])
        assert ask("GET", path)[1]["status"] == status
    code, refused = ask("POST", f"{path}/launch")
    assert (code, refused["code"]) == (400, "invalid_status")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"recipients": [{"contact_e164": "+1415"}]}, "recipients.0.contact_e164"),
        ({"recipients": [{"contact_e164": contact(0), "phone": "x"}]}, "recipients.0.phone"),
        ({"recipients": [{"contact_e164": contact(0)}]}, "recipients.0"),
        ({"recipients": [{"contact_e164": contact(0), "media": [{"url": "http://10.0.0.1"}]}]}, "recipients.0"),
        ({"body_template": "x" * 1_601}, "body_template"),
        ({"body_template": "\x00"}, "body_template"),
        ({"name": ""}, "name"),
        ({"throttle_per_minute": 0}, "throttle_per_minute"),
        ({"throttle_per_minute": 601}, "throttle_per_minute"),
        ({"scheduled_start_at": "tomorrow"}, "scheduled_start_at"),
        ({"scheduled_start_at": "2026-04-16T17:00:00Z"}, "scheduled_start_at"),
        ({"throttle_per_minute": "30"}, "throttle_per_minute"),
        ({"throttle_per_minute": 30.5}, "throttle_per_minute"),
        ({"recipients": [{"contact_e164": contact(0), "variables": {"name": True}}]}, "recipients.0.variables.name"),
        ({"purpose": "fun"}, "purpose"),
    ],
)
def test_a_bad_request_names_its_field(number: Number, ask: Ask, given: dict[str, Any], field: str) -> None:
    status, refused = ask("POST", PATH, body(number, **given))
    assert status == 400
    assert field in json.dumps(refused["details"])


def test_a_repeated_request_has_the_same_answer(number: Number, ask: Ask) -> None:
    first = ask("POST", PATH, body(number), idempotency_key="key-of-the-request")
    assert ask("POST", PATH, body(number), idempotency_key="key-of-the-request") == first


def test_a_viewer_reads_and_changes_nothing(acme: Any, ada: Member, number: Number) -> None:
    ask = ask_as(member(acme.org_id, Role.VIEWER, "Bob"), "hum/campaigns")
    path = f"{PATH}/{make_campaign(ada, number, 1).id}"
    assert ask("GET", path)[0] == 200
    for act in ("launch", "pause", "cancel"):
        assert ask("POST", f"{path}/{act}")[0] == 403
    assert ask("POST", PATH, body(number))[0] == 403
