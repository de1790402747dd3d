"""HUM's `/api/brands*`, as a browser uses it, with the simulated registry."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.hum.brands.schemas import BrandInput, CampaignDraftInput
from infra.local import pool
from switchboard.brands import drafts, service
from switchboard.brands.fields import BRAND_FIELDS, CAMPAIGN_FIELDS
from switchboard.carriers.registrations.simulator import forms
from switchboard.carriers.registrations.twilio import urls
from switchboard.carriers.voice.simulator.forms import SimulatedForm, sign_form
from switchboard.dialects.hum import webhooks
from switchboard.dialects.hum.brand_views import BrandCampaignView
from switchboard.dialects.hum.webhook_models import CampaignWebhookData
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.kit import clock
from switchboard.numbers.models import Number
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import member, system
from tests.integration.sabotage import Later, drain_queue, run_worker, send_due
from tests.load.request import api_event
from tests.unit.brands.desk import CAMPAIGN, PAYLOAD, TOP, pass_time, states_of, submit_drafts
from tests.unit.call_records.desk import Ask, ask_as
from tests.unit.calls.console_calls import save_number

NULLS = (
    *("id", "display_name", "ein", "website", "payload", "submitted_at", "decided_at", "created_at", "updated_at"),
)
NOBODY: dict[str, Any] = {
    "brand": {**dict.fromkeys(NULLS), "status": "draft", "errors": []},
    "campaign": None,
    "warnings": [],
}


@pytest.fixture
def ask(ada: Member) -> Ask:
    return ask_as(ada, "hum/brands")


def play(later: Later, frozen: clock.FrozenClock, seconds: int = 6) -> None:
    """Lets the registry and the workers work for some seconds."""
    send_due(later, "workers/brands", "workers/simulator")
    frozen.advance(seconds=seconds)
    send_due(later, "workers/brands", "workers/simulator")


def test_without_a_draft_the_brand_is_an_empty_draft(ask: Ask) -> None:
    assert ask("GET", "/brands") == (200, NOBODY)
    assert ask("POST", "/brands", {}) == (200, NOBODY)


def test_a_draft_is_saved_step_by_step(ask: Ask) -> None:
    status, made = ask("POST", "/brands", {"display_name": " Lakeside ", "ein": "12-3456789", "payload": {"x": [1.5]}})
    assert status == 200
    now = "2026-01-15T17:00:00.000Z"
    assert made == {
        "brand": {
            "id": made["brand"]["id"], "status": "draft", "display_name": "Lakeside", "ein": "12-3456789",
            "website": None, "payload": {"x": [1.5]}, "submitted_at": None, "decided_at": None, "errors": [],
            "created_at": now, "updated_at": now,
        },
        "campaign": None,
        "warnings": [],
    }  # fmt: skip
    assert ask("POST", "/brands", {"ein": "", "payload": {"x": None}})[1]["brand"] == made["brand"] | {
        "ein": None,
        "payload": None,
    }
    status, saved = ask("POST", "/brands/campaign", {"usecase": "M2M", "own": {"a": None, "b": 1}})
    assert (status, saved["campaign"]) == (
        200,
        {
            "id": saved["campaign"]["id"], "status": "draft", "submitted_at": None, "decided_at": None, "errors": [],
            "usecase": "M2M", "own": {"b": 1},
        },
    )  # fmt: skip
    assert ask("GET", "/brands") == (200, saved)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"display_name": 7}, "display_name"),
        ({"payload": None}, "payload"),
        ({"payload": []}, "payload"),
        ({"ein": "1" * 33}, "ein"),
        ({"website": "a\nb"}, "website"),
    ],
)
def test_a_field_of_another_type_is_refused(ask: Ask, body: dict[str, Any], field: str) -> None:
    status, answer = ask("POST", "/brands", body)
    assert (status, answer["details"][0]["field"]) == (400, field)


def test_a_submission_is_checked_and_masked(ask: Ask) -> None:
    ask("POST", "/brands", {**TOP, "payload": PAYLOAD | {"ein": "123456789", "state": "XX"}})
    status, refused = ask("POST", "/brands/submit")
    assert (status, refused["error"], refused["code"]) == (400, "invalid_request", "invalid_registration")
    assert [one["field"] for one in refused["details"]] == ["payload.state"]
    ask("POST", "/brands", {"payload": {"state": "CA"}})
    ask("POST", "/brands/campaign", CAMPAIGN)
    status, sent = ask("POST", "/brands/submit")
    assert (status, sent["ok"]) == (200, True)
    assert (sent["brand"]["status"], sent["campaign"]["status"]) == ("submitted", "submitted")
    assert (sent["brand"]["ein"], sent["brand"]["payload"]["ein"]) == ("******6789", "*****6789")
    assert sent["brand"]["payload"]["street"] == PAYLOAD["street"]
    status, again = ask("POST", "/brands/submit")
    assert (status, again["code"]) == (409, "registration_pending")
    assert ask("POST", "/brands", {"ein": None})[0] == 409
    assert ask("POST", "/brands/campaign", {"usecase": None})[0] == 409


def test_roles_and_other_organizations(ada: Member, ask: Ask) -> None:
    ask("POST", "/brands", TOP)
    operator = ask_as(member(ada.org_id, Role.OPERATOR, "Otto"), "hum/brands")
    viewer = ask_as(member(ada.org_id, Role.VIEWER, "Vera"), "hum/brands")
    assert operator("GET", "/brands")[1]["brand"]["display_name"] == TOP["display_name"]
    assert [operator("POST", path, {})[0] for path in ("/brands", "/brands/submit", "/brands/campaign")] == [403] * 3
    assert viewer("GET", "/brands")[0] == 403


def test_the_simulated_registry_approves_after_a_while_and_says_so(
    ada: Member, later: Later, frozen: clock.FrozenClock
) -> None:
    submit_drafts(ada)
    play(later, frozen)
    assert states_of(ada.org_id)[0] == "approved"
    play(later, frozen)
    assert states_of(ada.org_id) == ("approved", "approved")


@pytest.mark.parametrize("changes", [{"ein": "000000000"}, {"ein": "11-1111111"}, {"company_name": "Reject Me LLC"}])
def test_the_simulated_registry_rejects_by_rule(
    ada: Member, ask: Ask, later: Later, frozen: clock.FrozenClock, changes: dict[str, Any]
) -> None:
    top = TOP | {name: changes.pop(name) for name in ("ein",) if name in changes}
    assert ask("POST", "/brands", {**top, "payload": PAYLOAD | changes})[0] == 200
    assert ask("POST", "/brands/submit")[0] == 200
    play(later, frozen)
    brand = ask("GET", "/brands")[1]["brand"]
    assert (brand["status"], brand["errors"][0]["code"], brand["errors"][0]["field"]) == ("rejected", "TAX_ID", "ein")


def test_a_lost_report_of_the_registry_is_made_up_by_asking(
    ada: Member, later: Later, frozen: clock.FrozenClock
) -> None:
    submit_drafts(ada)
    send_due(later, "workers/brands")
    pass_time(later, frozen, minutes=2)
    drain_queue("simulator")
    pass_time(later, frozen, minutes=4)
    assert states_of(ada.org_id) == ("approved", "approved")


def post(form: SimulatedForm, path: str | None = None) -> int:
    event = api_event("POST", path or form.path, {"x-twilio-signature": form.signature})
    event["headers"] = {**(event["headers"] or {}), "content-type": "application/x-www-form-urlencoded"}
    event["multiValueHeaders"] = {
        **(event["multiValueHeaders"] or {}),
        "content-type": ["application/x-www-form-urlencoded"],
    }
    answer = pool.invoke("callbacks/registrations", event | {"body": form.body.decode()})
    return int(answer["statusCode"])


def test_only_a_signed_callback_is_news(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", "https://api.example.com")
    brand = submit_drafts(ada)
    drain_queue("brands")
    path = urls.status_path(ada.org_id, brand.id)
    body = forms.news_message(ada.org_id, brand.id, 0).body
    assert body["path"] == path
    good = sign_form(ada.org_id, path, body[forms.REGISTRATION_FORM])
    assert post(good) == 200
    assert [one["job"] for one in drain_queue("brands")] == ["CheckRegistration"]
    other = urls.status_path("org_" + "0" * 26, brand.id)
    assert post(good, other) == 403
    assert post(SimulatedForm(path, [*good.parameters, ("Status", "x")], good.signature)) == 403
    assert post(SimulatedForm(path, good.parameters, "")) == 403
    assert drain_queue("brands") == []


def test_webhooks_have_the_brand_without_what_is_sealed(ada: Member) -> None:
    submit_drafts(ada)
    brand = service.get_brand(ada.org_id)
    assert brand.campaign
    for type_, id_ in (("brand", brand.id), ("brand_campaign", brand.campaign.id)):
        event = events.new_event(system(ada.org_id), f"{type_}.submitted", Subject(type=type_, id=id_), attempt=1)
        (subject,) = service.find_brands([(ada.org_id, id_)])
        (told,) = webhooks.render(event, subject)
        assert (told.event, told.body["data"]["id"], told.body["data"]["status"]) == (event.type, id_, "submitted")
        text = json.dumps(told.body)
        assert "3456789" not in text
        assert PAYLOAD["street"] not in text


@pytest.fixture
def number(ada: Member) -> Number:
    return save_number(ada.org_id, "+12125550101")


def test_texts_of_an_unregistered_number_are_sent_with_a_warning(ada: Member, number: Number) -> None:
    ask = ask_as(ada, "hum/conversations")

    def send(contact: str) -> dict[str, Any]:
        asked = {"twilio_number_id": number.id, "contact_e164": contact, "initial_message": {"body": "Hello."}}
        made: dict[str, Any] = ask("POST", "/sms/conversations", asked)[1]
        return made

    made = send("+14155550142")
    assert made["initial_message"]["status"] in ("queued", "scheduled")
    (warning,) = made["initial_message"]["warnings"]
    assert warning["code"] == "a2p_unregistered"
    assert number.e164 in warning["message"]
    status, sent = ask("POST", f"/sms/conversations/{made['id']}/messages", {"body": "Again."})
    assert (status in (200, 202), [one["code"] for one in sent["warnings"]]) == (True, ["a2p_unregistered"])
    assert send("+442079460018")["initial_message"]["warnings"] == []


def test_a_list_of_numbers_shows_their_registration(ada: Member, number: Number) -> None:
    save_number(ada.org_id, "+18005550101")
    found = ask_as(ada, "hum/numbers")("GET", "/numbers")[1]["numbers"]
    assert {one["e164"]: one["a2p_status"] for one in found} == {
        "+12125550101": "unregistered",
        "+18005550101": "not_required",
    }


def test_the_worker_of_the_simulator_posts_the_news_itself_without_a_domain(
    ada: Member, later: Later, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_CALLBACKS_URL", "")
    submit_drafts(ada)
    send_due(later, "workers/brands")
    frozen.advance(seconds=6)
    later.bring()
    assert run_worker("workers/simulator") == 1
    assert [one["job"] for one in drain_queue("brands")] == ["CheckRegistration"]


def test_a_field_beside_the_payload_goes_to_the_payload(ask: Ask) -> None:
    ask("POST", "/brands", {"foo": 1, "entity_type": "GOVERNMENT", "displayName": "Lakeside", "payload": {"city": "A"}})
    brand = ask("POST", "/brands", {"entityType": "NON_PROFIT", "EIN": "12-3456789", "payload": {"foo": 2}})[1]["brand"]
    assert (brand["display_name"], brand["ein"]) == ("Lakeside", "12-3456789")
    assert brand["payload"] == {"city": "A", "entityType": "NON_PROFIT", "foo": 2}
    assert ask("POST", "/brands", {"displayName": 7, "foo": None})[1]["brand"]["payload"]["displayName"] == 7


def test_a_webhook_has_the_known_fields_of_a_campaign_only(ada: Member) -> None:
    saved = {
        "MessageSamples": CAMPAIGN["samples"],
        "samples": None,
        "x-own": 1,
        "description": 7,
        "help_keywords": "A,B",
    }
    brand = drafts.save_campaign(ada, CAMPAIGN | saved)
    assert brand.campaign
    event = events.new_event(
        system(ada.org_id), "brand_campaign.submitted", Subject(type="brand_campaign", id=brand.campaign.id), attempt=1
    )
    (told,) = webhooks.render(event, brand)
    data = told.body["data"]
    assert data.keys() == CampaignWebhookData.model_fields.keys()
    assert (data["samples"], data["description"], data["age_gated"]) == (CAMPAIGN["samples"], None, None)
    assert (data["usecase"], data["embedded_link"], data["help_keywords"]) == ("CUSTOMER_CARE", False, ["A", "B"])


def test_the_documents_name_the_fields_of_a_draft() -> None:
    campaign, brand = CampaignDraftInput.model_json_schema(), BrandInput.model_json_schema()
    assert campaign["properties"].keys() == {*CAMPAIGN_FIELDS}
    assert brand["properties"]["payload"]["properties"].keys() == {*BRAND_FIELDS}
    assert {*CAMPAIGN_FIELDS} <= BrandCampaignView.model_json_schema()["properties"].keys()
    assert "required" not in campaign
