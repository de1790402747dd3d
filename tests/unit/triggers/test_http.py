"""HUM's `/api/triggers*`, as a browser uses it, and the public address, as other systems use it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.edge import strangers
from switchboard.kit import clock
from switchboard.outbound.loops import WEBHOOK_HOP
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from switchboard.triggers import tokens
from switchboard.triggers.models import MAX_BODY_BYTES, MAX_BODY_DEPTH
from tests.actors import Tenant, member, tenant
from tests.integration.sabotage import Sabotage
from tests.tables import each
from tests.unit.call_records.desk import Ask, ask_as
from tests.unit.triggers.desk import list_events, make_trigger, post, project_events

NEW = {"name": "GitHub issues", "event_type": "GitHub issue opened"}
NOW = "2026-01-15T17:00:00.000Z"


@pytest.fixture(autouse=True)
def _many_requests(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A person and a sender may send many requests while the clock stands still."""
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", "https://talk.example.com")
    for name in ("PERSON", "TRIGGER", "TRIGGERS", "STRANGER"):
        monkeypatch.setenv(f"SWITCHBOARD_{name}_PER_MINUTE", "100000")
        monkeypatch.setenv(f"SWITCHBOARD_{name}_PER_SECOND", "10000")


@pytest.fixture
def ask(ada: Member) -> Ask:
    return ask_as(ada, "hum/triggers")


@pytest.fixture
def token(ada: Member) -> str:
    return make_trigger(ada).token


def list_bodies(ask: Ask) -> list[Any]:
    """The bodies of all firings of the only trigger, oldest first."""
    ((trigger,),) = [ask("GET", "/triggers")[1]["triggers"]]
    fired = ask("GET", f"/triggers/{trigger['id']}/firings?limit=100")[1]["firings"]
    return [ask("GET", f"/triggers/{trigger['id']}/firings/{one['id']}")[1]["body"] for one in reversed(fired)]


def test_a_trigger_has_the_form_of_the_contract(ask: Ask) -> None:
    status, made = ask("POST", "/triggers", NEW)
    assert status == 200
    token = made.pop("token")
    assert made.pop("url") == f"https://talk.example.com/api/triggers/inbound/{token}"
    shown = made | {"url": "https://talk.example.com/api/triggers/inbound"}
    assert shown == {
        "id": made["id"],
        "name": "GitHub issues",
        "event_type": "external.github.issue.opened",
        "active": True,
        "url": "https://talk.example.com/api/triggers/inbound",
        "last_fired_at": None,
        "fire_count": 0,
        "created_at": NOW,
    }
    assert ask("GET", "/triggers") == (200, {"triggers": [shown], "next_cursor": None})
    path = f"/triggers/{made['id']}"
    assert ask("PATCH", path, {"name": "Issues", "active": False}) == (200, shown | {"name": "Issues", "active": False})
    status, rotated = ask("POST", f"{path}/rotate")
    assert (status, rotated["url"].rpartition("/")[2]) == (200, rotated["token"])
    assert rotated["token"] != token
    assert ask("DELETE", path) == (200, {"ok": True})
    assert ask("GET", f"{path}/firings")[0] == 404


def test_input_that_is_not_valid_names_its_field(ask: Ask, ada: Member) -> None:
    path = f"/triggers/{make_trigger(ada).trigger.id}"
    refused: list[tuple[str, str, Any, str]] = [
        ("POST", "/triggers", NEW | {"name": ""}, "name"),
        ("POST", "/triggers", NEW | {"name": "a" * 121}, "name"),
        ("POST", "/triggers", NEW | {"event_type": ""}, "event_type"),
        ("POST", "/triggers", NEW | {"event_type": "…"}, "event_type"),
        ("POST", "/triggers", NEW | {"active": 1}, "active"),
        ("POST", "/triggers", {"name": "A"}, "event_type"),
        ("PATCH", path, {"active": "yes"}, "active"),
        ("PATCH", path, {"name": None}, "name"),
        ("PATCH", path, {"active": None}, "active"),
    ]
    for method, target, body, field in refused:
        status, answer = ask(method, target, body)
        assert (status, [one["field"] for one in answer["details"]]) == (400, [field]), (body, answer)


def test_only_admins_change_triggers_and_viewers_see_none(acme: Tenant, ada: Member) -> None:
    path = f"/triggers/{make_trigger(ada).trigger.id}"
    operator = ask_as(member(acme.org_id, Role.OPERATOR, "Otto"), "hum/triggers")
    viewer = ask_as(member(acme.org_id, Role.VIEWER, "Vera"), "hum/triggers")
    assert operator("GET", "/triggers")[0] == operator("GET", f"{path}/firings")[0] == 200
    assert viewer("GET", "/triggers")[0] == viewer("GET", f"{path}/firings")[0] == 403
    for who in (operator, viewer):
        assert who("POST", "/triggers", NEW)[0] == 403
        assert who("PATCH", path, {"active": False})[0] == 403
        assert who("POST", f"{path}/rotate")[0] == who("DELETE", path)[0] == 403


def test_an_event_is_accepted_counted_and_shown(acme: Tenant, ask: Ask, token: str) -> None:
    answer = post(token, b'{"phone": "+14155550142"}', x_github_delivery="d-1")
    assert (answer["statusCode"], json.loads(answer["body"])) == (202, {"ok": True})
    again = post(token, b'{"phone": "+14155550142"}', x_github_delivery="d-1")
    assert (again["statusCode"], again["body"]) == (202, answer["body"])
    project_events(acme.org_id)
    (trigger,) = ask("GET", "/triggers")[1]["triggers"]
    assert (trigger["fire_count"], trigger["last_fired_at"]) == (1, NOW)
    _, page = ask("GET", f"/triggers/{trigger['id']}/firings")
    (fired,) = page["firings"]
    assert fired == {
        "id": fired["id"],
        "trigger_id": trigger["id"],
        "event_type": "external.lead.created",
        "delivery_id": "d-1",
        "size_bytes": 25,
        "sha256": fired["sha256"],
        "flows": [],
        "created_at": NOW,
    }
    details = ask("GET", f"/triggers/{trigger['id']}/firings/{fired['id']}")
    assert details == (200, fired | {"body": {"phone": "+14155550142"}})


def test_any_json_is_a_body(ask: Ask, token: str) -> None:
    sent: list[tuple[bytes, str | None, Any]] = [
        (b"", "application/json", {}),
        (b"", None, {}),
        (b" \n", "text/plain", {}),
        (b"[1, 2]", "application/json; charset=utf-8", [1, 2]),
        (b'"hello"', "application/vnd.github+json", "hello"),
        (b"null", None, None),
        (b"1e400".replace(b"400", b"30"), "application/json", 1e30),
        ('{"näme": "Łódź"}'.encode(), "APPLICATION/JSON", {"näme": "Łódź"}),
        (b"payload=%7B%22ref%22%3A%20%22main%22%7D", "application/x-www-form-urlencoded", {"ref": "main"}),
        (b"payload=", "application/x-www-form-urlencoded", {}),
        (b"", "application/x-www-form-urlencoded", {}),
        ((b"[" * MAX_BODY_DEPTH) + b"]" * MAX_BODY_DEPTH, "application/json", json.loads("[" * 32 + "]" * 32)),
    ]
    for content, media_type, _ in sent:
        answer = post(token, content, media_type)
        assert answer["statusCode"] == 202, (content, answer["body"])
    assert list_bodies(ask) == [value for *_, value in sent]


@each(
    "content, media_type, status, code",
    [
        (b"{", "application/json", 400, "invalid_json"),
        (b'{"a": NaN}', "application/json", 400, "invalid_json"),
        (b'{"a": 1, "a": 2}', "application/json", 400, "invalid_json"),
        (b"\xff", "application/json", 400, "invalid_json"),
        (b"[" * 33 + b"]" * 33, "application/json", 400, "invalid_json"),
        (b"[" * 100_000, "application/json", 400, "invalid_json"),
        (b"a=1", "application/x-www-form-urlencoded", 400, "invalid_form"),
        (b"payload=1&payload=2", "application/x-www-form-urlencoded", 400, "invalid_form"),
        (b"payload=%7B", "application/x-www-form-urlencoded", 400, "invalid_json"),
        (b"<a/>", "application/xml", 415, "unsupported_media_type"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b'"' + b"a" * MAX_BODY_BYTES + b'"', "application/json", 413, "payload_too_large"),
    ],
)
def test_another_body_is_refused(
    token: str, acme: Tenant, content: bytes, media_type: str, status: int, code: str
) -> None:
    answer = post(token, content, media_type)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (status, code)
    assert list_events(acme.org_id, "trigger.fired") == []


def test_the_largest_body_is_accepted(token: str) -> None:
    assert post(token, b'"' + b"\\u0041" * ((MAX_BODY_BYTES - 2) // 6) + b'"')["statusCode"] == 202
    # Such numbers are longer in another form of JSON, so the text is kept as it was sent.
    assert post(token, b"[" + b"1e9," * 16_000 + b"1]")["statusCode"] == 202


@each(
    "headers, body",
    [
        ({"idempotency_key": "one"}, {}),
        ({"x_github_delivery": "one"}, {}),
        ({"webhook_id": "one"}, {}),
        ({"svix_id": "one"}, {}),
        ({"x_shopify_webhook_id": "one"}, {}),
        ({"stripe_signature": "t=1,v1=x"}, {"id": "evt_1"}),
        ({"idempotency_key": "~" * 255}, {}),
        ({"idempotency_key": ["one", "one"]}, {}),
        ({"svix_id": "ü" * 300}, {}),
    ],
)
def test_each_sender_names_its_event_in_its_own_way(ada: Member, headers: dict[str, str], body: Any) -> None:
    made = make_trigger(ada)
    before = len(list_events(ada.org_id, "trigger.fired"))
    for _ in range(2):
        answer = post(made.token, json.dumps(body).encode(), **headers)
        assert (answer["statusCode"], json.loads(answer["body"])) == (202, {"ok": True})
    assert len(list_events(ada.org_id, "trigger.fired")) == before + 1


@each("key", ["", "ü", "a\tb", "a" * 256, ["one", "two"]])
def test_an_idempotency_key_has_the_form_of_all_operations(token: str, acme: Tenant, key: str | list[str]) -> None:
    answer = post(token, idempotency_key=key, x_github_delivery="one")
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "invalid_idempotency_key")
    assert list_events(acme.org_id, "trigger.fired") == []


def test_an_id_in_the_body_counts_for_stripe_alone(acme: Tenant, token: str) -> None:
    for _ in range(2):
        post(token, b'{"id": "evt_1"}')
    for _ in range(2):
        post(token, b'["id"]', stripe_signature="t=1")
    assert len(list_events(acme.org_id, "trigger.fired")) == 4


def test_refusals_of_a_token_are_all_the_same(ada: Member) -> None:
    paused = make_trigger(ada, active=False).token
    answers = []
    for token in ("hit_unknown", "x", "%00", "a" * 2_000, paused):
        answer = post(token, b"{")
        answers.append((answer["statusCode"], answer["body"]))
    assert set(answers) == {(404, answers[0][1])}
    assert json.loads(answers[0][1])["code"] == "not_found"


def test_a_trigger_has_a_limit_of_its_own(
    ada: Member, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    monkeypatch.setenv("SWITCHBOARD_TRIGGER_PER_MINUTE", "2")
    busy, other = make_trigger(ada), make_trigger(ada)
    assert [post(busy.token)["statusCode"] for _ in range(3)] == [202, 202, 429]
    refused = post(busy.token)
    assert refused["headers"]["Retry-After"] == "60"
    assert json.loads(refused["body"])["error"] == "rate_limited"
    assert post(other.token)["statusCode"] == 202
    frozen.advance(seconds=60)
    assert post(busy.token)["statusCode"] == 202
    assert len(list_events(ada.org_id, "trigger.fired")) == 4


def test_all_triggers_of_an_organization_have_a_limit(
    ada: Member, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    monkeypatch.setenv("SWITCHBOARD_TRIGGERS_PER_MINUTE", "3")
    one, two = make_trigger(ada), make_trigger(ada)
    other = make_trigger(member(tenant("other").org_id, name="Bob"))
    assert [post(made.token)["statusCode"] for made in (one, two, one, two, one)] == [202, 202, 202, 429, 429]
    refused = post(two.token)
    assert (refused["headers"]["Retry-After"], json.loads(refused["body"])["code"]) == (
        "60",
        "organization_rate_limited",
    )
    assert post(other.token)["statusCode"] == 202
    frozen.advance(seconds=60)
    assert post(two.token)["statusCode"] == 202


def test_a_refused_event_does_not_count_for_the_organization(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_TRIGGER_PER_MINUTE", "2")
    monkeypatch.setenv("SWITCHBOARD_TRIGGERS_PER_MINUTE", "4")
    busy, other = make_trigger(ada), make_trigger(ada)
    assert [post(busy.token)["statusCode"] for _ in range(5)] == [202, 202, 429, 429, 429]
    assert post(other.token)["statusCode"] == 202


def test_a_large_event_counts_as_several(
    ada: Member, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    monkeypatch.setenv("SWITCHBOARD_TRIGGERS_PER_MINUTE", "65")
    large = b'"' + b"a" * (MAX_BODY_BYTES - 2) + b'"'
    one, two = make_trigger(ada), make_trigger(ada)
    assert [post(made.token, large)["statusCode"] for made in (one, two, one)] == [202, 202, 429]
    # There is room for one small event, but the bucket is full until its window ends.
    assert post(two.token)["statusCode"] == 429
    frozen.advance(seconds=60)
    assert post(two.token, large)["statusCode"] == 202


def test_unknown_tokens_count_by_their_address(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_STRANGER_PER_MINUTE", "2")
    made, paused = make_trigger(ada), make_trigger(ada, active=False)
    assert [post(token)["statusCode"] for token in ("x", paused.token, "y", paused.token)] == [404, 404, 429, 429]
    assert post(made.token)["statusCode"] == 202


def test_a_flood_of_unknown_tokens_costs_few_reads(
    ada: Member, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    monkeypatch.setenv("SWITCHBOARD_STRANGER_PER_MINUTE", "2")
    known, other = make_trigger(ada).token, make_trigger(ada).token
    assert post(known)["statusCode"] == 202
    saboteur = Sabotage()
    answers = [post(tokens.mint_token().text) for _ in range(40)]
    assert [answer["statusCode"] for answer in answers] == [404, 404] + [429] * 38
    assert int(answers[-1]["headers"]["Retry-After"]) > 0
    # Two reads for each look-up: up to the limit, the request that meets it, and the spare ones of this second.
    assert saboteur.calls.count("BatchGetItem") + saboteur.calls.count("GetItem") <= 2 * (3 + strangers.SPARE_LOOK_UPS)
    # A token that was valid before is not refused, and a new one waits for the next second.
    assert [post(token)["statusCode"] for token in (known, other)] == [202, 429]
    frozen.advance(seconds=1)
    assert post(other)["statusCode"] == 202


def test_a_text_that_can_be_no_token_is_not_looked_up(ada: Member) -> None:
    saboteur = Sabotage()
    text = make_trigger(ada).token
    saboteur.calls.clear()
    assert post(text[:-1] + ("0" if text[-1] != "0" else "1"))["statusCode"] == 404
    assert not {"GetItem", "BatchGetItem"} & set(saboteur.calls)


def test_a_page_of_another_site_may_fire_and_other_methods_may_not(token: str) -> None:
    assert post(token, origin="https://example.org", sec_fetch_site="cross-site")["statusCode"] == 202
    assert post("")["statusCode"] == 404


def test_a_webhook_of_the_platform_fires_no_trigger(acme: Tenant, token: str) -> None:
    """Its event would make the next delivery, without an end. A request of a model may fire a trigger."""
    answers = [post(one, x_switchboard_hop=WEBHOOK_HOP) for one in (token, "hit_unknown")]
    assert {(answer["statusCode"], json.loads(answer["body"])["code"]) for answer in answers} == {(403, "loop")}
    assert list_events(acme.org_id, "trigger.fired") == []
    assert post(token, x_switchboard_hop="1")["statusCode"] == 202
