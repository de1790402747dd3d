"""HUM's `/api/webhooks*`, as a browser uses it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from standardwebhooks import Webhook

from switchboard.kit import clock
from switchboard.team.permissions import Role
from switchboard.webhooks import schedule, service
from tests.actors import Tenant, member
from tests.fakes.receiver import Receiver, make_answer
from tests.tables import each
from tests.unit.call_records.desk import Ask, ask_as
from tests.unit.webhooks.conftest import Register, World, send_mail

URL = "https://crm.example.com/hooks/hum"


@pytest.fixture
def ask(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Sends requests of an admin, who may send many while the clock stands still."""
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_MINUTE", "100000")
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_SECOND", "10000")
    return ask_as(member(acme.org_id, Role.ADMIN, "Ada"), "hum/webhooks")


def create(ask: Ask, **given: Any) -> dict[str, Any]:
    status, made = ask("POST", "/webhooks", {"url": URL} | given)
    assert status == 201, made
    found: dict[str, Any] = made
    return found


def refusal(ask: Ask, body: dict[str, Any], path: str = "/webhooks", method: str = "POST") -> dict[str, Any]:
    """The only wrong field of a request, with its message."""
    status, answer = ask(method, path, body)
    assert status == 400, answer
    (found,) = answer["details"]
    assert isinstance(found, dict)
    return found


def test_a_webhook_is_created_with_its_secret_and_read_without(ask: Ask) -> None:
    made = create(ask, label="CRM", custom_headers={"Authorization": "Bearer opensesame"})
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made == {
        "id": made["id"],
        "label": "CRM",
        "description": None,
        "url": URL,
        "events": ["*"],
        "active": True,
        "custom_header_names": ["Authorization"],
        "timeout_ms": 15_000,
        "template": None,
        "secret_last4": secret[-4:],
        "last_delivery_at": None,
        "failure_count": 0,
        "disabled_reason": None,
        "disabled_at": None,
        "created_at": clock.now_iso(),
        "updated_at": clock.now_iso(),
    }
    assert ask("GET", f"/webhooks/{made['id']}") == (200, made)
    assert ask("GET", "/webhooks") == (200, {"webhooks": [made], "next_cursor": None})


def test_a_field_is_left_out_and_never_null(ask: Ask) -> None:
    for field in ("template", "timeout_ms"):
        status, refusal = ask("POST", "/webhooks", {"url": URL, field: None})
        assert (status, refusal["details"]) == (400, [{"field": field, "message": "is null: omit the field instead"}])


def test_a_repeated_creation_shows_the_same_secret(ask: Ask) -> None:
    first, again = (ask("POST", "/webhooks", {"url": URL}, idempotency_key="one") for _ in range(2))
    assert first == again
    assert len(ask("GET", "/webhooks")[1]["webhooks"]) == 1


def test_a_patch_changes_what_it_names_and_keeps_secret_and_headers(ask: Ask, acme: Tenant) -> None:
    made = create(ask, custom_headers={"X-Key": "1"}, template='{"id": "{{data.id}}"}', timeout_ms=5_000)
    path = f"/webhooks/{made['id']}"
    changed = ask("PATCH", path, {"label": "Night", "events": ["sms.*"]})[1]
    assert (changed["label"], changed["events"], changed["url"]) == ("Night", ["sms.*"], URL)
    assert (changed["secret_last4"], changed["custom_header_names"]) == (made["secret_last4"], ["X-Key"])
    assert service.rotate_endpoint_secret(acme.caller(master=True), made["id"]).endpoint.generation == 2
    cleared = {"label": None, "custom_headers": None, "template": "", "timeout_ms": 15_000, "active": False}
    plain = ask("PATCH", path, cleared)[1]
    assert (plain["label"], plain["custom_header_names"], plain["template"]) == (None, [], None)
    assert (plain["timeout_ms"], plain["active"], plain["disabled_reason"]) == (15_000, False, "by its owner")
    assert ask("PATCH", path, {"active": True})[1]["disabled_at"] is None


@each(
    "body, field, message",
    [
        ({"events": ["sms.receivd"]}, "events", "no event matches 'sms.receivd': did you mean sms.received?"),
        ({"events": ["sms.*", "emails.*"]}, "events", "no event matches 'emails.*': did you mean email.*?"),
        ({"events": ["message.zzz"]}, "events", "use a name of the list of event types, prefix.* or *"),
        ({"events": ["*.sent"]}, "events", "'*.sent': must be an event name, prefix.* or *"),
        ({"custom_headers": {"webhook-id": "1"}}, "custom_headers", "'webhook-id' cannot be set"),
        ({"custom_headers": {"x": "a\r\nb: c"}}, "custom_headers", "printable ASCII"),
        ({"url": "http://example.com"}, "url", "must begin with https://"),
        ({"url": "https://10.0.0.1/"}, "url", ""),
        ({"template": '{\n"a": "{{data.nothing}}"}'}, "template", "line 2, column 6, at a: no subscribed event has"),
        ({"template": "{"}, "template", "line 1: is not valid JSON"),
        ({"timeout_ms": 999}, "timeout_ms", ""),
    ],
)
@pytest.mark.usefixtures("acme")
def test_a_wrong_setting_is_named(ask: Ask, body: dict[str, Any], field: str, message: str) -> None:
    found = refusal(ask, {"url": URL} | body)
    assert found["field"] == field
    assert message in found["message"]


def test_other_events_are_refused_if_the_template_then_has_no_value(ask: Ask) -> None:
    made = create(ask, events=["call.*"], template='"{{data.summary.tldr}}"')
    path = f"/webhooks/{made['id']}"
    assert refusal(ask, {"events": ["sms.*"]}, path, "PATCH")["field"] == "template"
    assert ask("PATCH", path, {"events": ["sms.*", "call.outcome"]})[0] == 200


def test_names_of_outside_events_can_be_subscribed_to(ask: Ask) -> None:
    wanted = ["external.*", "external.github.*", "external.github.issue.opened", "webhook.test"]
    assert create(ask, events=wanted)["events"] == wanted


def test_an_organization_has_50_webhooks(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_ENDPOINTS", 1)
    create(ask)
    status, answer = ask("POST", "/webhooks", {"url": URL})
    assert (status, answer["error"], answer["code"]) == (402, "plan_limit", "webhook_limit")


@pytest.mark.usefixtures("receiver")
def test_webhooks_of_other_apis_are_not_found(ask: Ask, register: Register) -> None:
    theirs = register().endpoint.id
    path = f"/webhooks/{theirs}"
    assert ask("GET", "/webhooks")[1]["webhooks"] == []
    asked = [
        ask("GET", path),
        ask("PATCH", path, {"label": "x"}),
        ask("DELETE", path),
        ask("POST", f"{path}/test"),
        ask("POST", f"{path}/rotate-secret"),
        ask("GET", f"{path}/deliveries"),
    ]
    assert {status for status, _ in asked} == {404}
    assert ask("GET", "/webhooks/wh_other")[0] == 404


def test_a_test_delivery_is_signed_in_hums_words_and_listed(ask: Ask, receiver: Receiver, world: World) -> None:
    made = create(ask, events=["sms.received"])
    status, sent = ask("POST", f"/webhooks/{made['id']}/test")
    assert (status, sent["ok"]) == (200, True)
    world.go_on()
    (got,) = receiver.got
    assert (got.headers["X-HUM-Event"], got.id) == ("webhook.test", sent["delivery_id"])
    expected = Webhook(made["secret"]).sign(got.id, clock.now(), got.body.decode())
    assert got.headers["webhook-signature"] == expected
    types = ask("GET", "/webhooks/event-types?q=webhook.test")[1]["event_types"]
    Draft202012Validator(types[0]["body_schema"]).validate(got.told)
    assert got.told["data"] == {"webhook_id": made["id"]}
    (delivery,) = ask("GET", f"/webhooks/{made['id']}/deliveries")[1]["deliveries"]
    assert delivery == {
        "id": sent["delivery_id"],
        "webhook_id": made["id"],
        "event": "webhook.test",
        "event_id": got.told["id"],
        "attempt": 1,
        "status": "succeeded",
        "response_status": 200,
        "response_ms": 5,
        "response_body": delivery["response_body"],
        "error": None,
        "attempts": [{"number": 1, "at": clock.now_iso(), "response_status": 200, "response_ms": 5, "error": None}],
        "next_attempt_at": None,
        "completed_at": clock.now_iso(),
        "created_at": clock.now_iso(),
        "payload": json.loads(got.body),
    }


def test_a_disabled_webhook_is_not_tested(ask: Ask) -> None:
    made = create(ask, active=False)
    status, answer = ask("POST", f"/webhooks/{made['id']}/test")
    assert (status, answer["code"]) == (409, "webhook_disabled")


@pytest.mark.usefixtures("world")
def test_both_secrets_sign_until_the_overlap_ends(
    ask: Ask, acme: Tenant, receiver: Receiver, world: World, frozen: clock.FrozenClock
) -> None:
    made = create(ask)
    path = f"/webhooks/{made['id']}"
    status, rotated = ask("POST", f"{path}/rotate-secret")
    assert (status, rotated["ok"]) == (200, True)
    assert rotated["overlap_until"] == clock.format_iso(clock.now() + timedelta(hours=24))
    assert rotated["secret"] != made["secret"]
    assert ask("GET", path)[1]["secret_last4"] == rotated["secret"][-4:]
    ask("POST", f"{path}/test")
    world.go_on()
    assert receiver.got[0].headers["webhook-signature"].count("v1,") == 2
    frozen.advance(hours=25)
    later = ask_as(member(acme.org_id, Role.ADMIN, "Bob"), "hum/webhooks")
    assert later("POST", f"{path}/test")[0] == 200
    world.go_on()
    assert receiver.got[1].headers["webhook-signature"].count("v1,") == 1


def test_deliveries_are_filtered_and_sent_again(
    ask: Ask,
    acme: Tenant,
    receiver: Receiver,
    world: World,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schedule, "next_wait", lambda *_: None)
    receiver.answers = [make_answer(500, b"no")]
    made, other = create(ask, events=["email.*"]), create(ask, events=["agent.*"])
    path = f"/webhooks/{made['id']}"
    send_mail(acme)
    world.go_on()
    frozen.advance(seconds=1)
    ask("POST", f"{path}/test")
    world.go_on()

    def listed(query: str) -> list[str]:
        status, page = ask("GET", f"{path}/deliveries?{query}")
        assert status == 200, page
        return [one["event"] for one in page["deliveries"]]

    assert listed("") == ["webhook.test", "email.sent"]
    assert listed("event=email.sent") == ["email.sent"]
    assert listed("status=failed") == ["email.sent"]
    assert listed("status=failed&event=webhook.test") == listed("event=unknown") == []
    assert ask("GET", f"{path}/deliveries?status=lost")[0] == 400
    first = ask("GET", f"{path}/deliveries?limit=1")[1]
    rest = ask("GET", f"{path}/deliveries?limit=1&cursor={first['next_cursor']}")[1]
    (lost,) = rest["deliveries"]
    assert (rest["next_cursor"], lost["status"], lost["response_body"]) == (None, "failed", "no")
    assert ask("GET", f"{path}/deliveries?limit=1&event=email.sent&cursor={first['next_cursor']}")[0] == 400
    assert ask("POST", f"/webhooks/{other['id']}/redeliver/{lost['id']}")[0] == 404
    assert ask("POST", f"{path}/redeliver/dlv_{'0' * 26}")[0] == 404
    status, again = ask("POST", f"{path}/redeliver/{lost['id']}")
    assert (status, again) == (200, {"ok": True, "delivery_id": lost["id"]})
    status, answer = ask("POST", f"{path}/redeliver/{lost['id']}")
    assert (status, answer["code"]) == (409, "delivery_pending")
    world.go_on()
    assert listed("status=succeeded") == ["webhook.test", "email.sent"]
    assert len({got.id for got in receiver.got if got.headers["X-HUM-Event"] == "email.sent"}) == 1


def test_a_mail_is_reported_to_hum_and_to_anima(
    ask: Ask, acme: Tenant, register: Register, receiver: Receiver, world: World
) -> None:
    register(events=["message.sent"])
    create(ask, events=["email.sent"], template='{"to": "{{data.recipients.0}}", "what": "{{type}}"}')
    message_id = send_mail(acme)
    world.go_on()
    told = {got.url: got.told for got in receiver.got}
    assert told["https://example.com/hook"]["messageId"] == message_id
    assert told[URL] == {"to": "you@example.com", "what": "email.sent"}


def test_the_catalog_and_previews_are_served(ask: Ask) -> None:
    status, found = ask("GET", "/webhooks/event-types")
    assert status == 200
    for one in found["event_types"]:
        Draft202012Validator(one["body_schema"]).validate(one["example"])
    assert [one["name"] for one in ask("GET", "/webhooks/event-types?q=opted%20again")[1]["event_types"]] == [
        "sms.opt_in"
    ]
    wanted = {"template": '{"text": "{{data.body}}", "to": "{{data.nobody}}"}', "event": "sms.received"}
    assert ask("POST", "/webhooks/preview", wanted) == (
        200,
        {
            "payload": {"text": "Can I come on Monday?", "to": None},
            "size_bytes": 42,
            "shortened": False,
            "warnings": [{"path": "data.nobody", "message": "sms.received has no such value"}],
        },
    )
    assert refusal(ask, wanted | {"template": '{"a": {{type}}}'}, "/webhooks/preview")["field"] == "template"
    assert refusal(ask, {"template": '"x"'}, "/webhooks/preview")["field"] == "event"
    assert ask("GET", "/webhooks")[1]["webhooks"] == []


@each("role, status", [(Role.OPERATOR, 403), (Role.VIEWER, 403)])
def test_only_admins_change_webhooks(acme: Tenant, role: Role, status: int) -> None:
    ask = ask_as(member(acme.org_id, role, role.value), "hum/webhooks")
    assert ask("POST", "/webhooks", {"url": URL})[0] == status
    assert ask("GET", "/webhooks")[0] == (200 if role is Role.OPERATOR else 403)
