"""HUM's `/api/sms/opt-outs*`, as a browser uses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local import pool
from switchboard.aws.reads import Query
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.kit import clock, texts
from switchboard.people import sessions
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, tenant
from tests.load.request import api_event
from tests.unit.calls.console_calls import save_number
from tests.unit.messaging.desk import CONTACT
from tests.unit.messaging.inbox import incoming_text, opt_out_of, receive

Ask = Callable[..., tuple[int, Any]]
PATH = "/api/sms/opt-outs"


def ask_as(who: Member) -> Ask:
    """Returns a function that sends requests of a member."""
    cookie = sessions.open_session(who.user, who.org_id)

    def ask(method: str, target: str = "", body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = {"cookie": f"{COOKIE}={cookie}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = pool.invoke("hum/opt_outs", api_event(method, f"{PATH}{target}", sent, body))
        return answer["statusCode"], json.loads(answer["body"])

    return ask


@pytest.fixture
def ask(ada: Member) -> Ask:
    return ask_as(ada)


def test_a_contact_can_be_opted_out_listed_and_opted_in(ask: Ask, ada: Member) -> None:
    status, made = ask("POST", body={"e164": CONTACT, "reason": "asked by letter"})
    assert (status, made) == (
        201,
        {
            "ok": True,
            "e164": CONTACT,
            "source": "manual",
            "keyword": None,
            "reason": "asked by letter",
            "created_at": clock.now_iso(),
            "created_by": ada.user_id,
        },
    )
    assert ask("POST", body={"e164": CONTACT, "reason": "again"}) == (200, made)
    listed = {name: value for name, value in made.items() if name != "ok"}
    assert ask("GET") == (200, {"opt_outs": [listed], "next_cursor": None})
    assert ask("DELETE", f"/{CONTACT.replace('+', '%2B')}") == (200, {"ok": True})
    assert ask("GET") == (200, {"opt_outs": [], "next_cursor": None})
    assert ask("DELETE", f"/{CONTACT}")[0] == 404


def test_the_changes_are_events(ask: Ask, acme: Tenant) -> None:
    ask("POST", body={"e164": CONTACT})
    ask("DELETE", f"/{CONTACT}")
    items = Query(table="activity", index="gsi1", partition=f"events#{clock.now_iso()[:13]}#0").read_all()
    told = [
        item for item in items if item["subject"] == {"type": "number", "id": texts.digest(CONTACT), "version": None}
    ]
    assert [item["type"] for item in told] == ["sms.opt_out", "sms.opt_in"]


def test_a_keyword_is_in_the_list(ask: Ask, acme: Tenant) -> None:
    receive(save_number(acme.org_id), "Unsubscribe")
    [entry] = ask("GET")[1]["opt_outs"]
    assert (entry["source"], entry["keyword"]) == ("keyword", "UNSUBSCRIBE")


def test_a_start_from_before_a_manual_opt_out_changes_nothing(
    ask: Ask, acme: Tenant, frozen: clock.FrozenClock
) -> None:
    number = save_number(acme.org_id)
    receive(number, "STOP")
    frozen.advance(seconds=60)
    start = incoming_text(number, "START")
    ask("POST", body={"e164": CONTACT})
    receive(number, "START", provider_sid=start.provider_sid, received_at=start.received_at)
    assert opt_out_of(acme.org_id) is not None


def test_a_repeated_request_does_not_opt_out_again(ask: Ask) -> None:
    first = ask("POST", body={"e164": CONTACT}, idempotency_key="one")
    ask("DELETE", f"/{CONTACT}")
    assert ask("POST", body={"e164": CONTACT}, idempotency_key="one") == first
    assert ask("GET")[1]["opt_outs"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"e164": "4155550123"},
        {"e164": "+1415555"},
        {"e164": "+1 415 555 0123"},
        {"e164": CONTACT, "reason": "x" * 201},
        {"e164": CONTACT, "reason": "a\x00b"},
    ],
)
def test_bad_input_is_refused(ask: Ask, body: dict[str, Any]) -> None:
    assert ask("POST", body=body)[0] == 400


def test_a_bad_number_in_the_path_is_refused(ask: Ask) -> None:
    assert ask("DELETE", "/nobody")[0] == 400


def test_a_viewer_reads_only(acme: Tenant, bob: Member) -> None:
    ask = ask_as(bob)
    assert ask("GET")[0] == 200
    assert ask("POST", body={"e164": CONTACT})[0] == 403
    assert ask("DELETE", f"/{CONTACT}")[0] == 403


def test_another_organization_sees_nothing(ask: Ask, acme: Tenant) -> None:
    ask("POST", body={"e164": CONTACT})
    other = tenant("other")
    there = ask_as(member(other.org_id, Role.OPERATOR, "Zoe"))
    assert there("GET")[1]["opt_outs"] == []
    assert there("DELETE", f"/{CONTACT}")[0] == 404
