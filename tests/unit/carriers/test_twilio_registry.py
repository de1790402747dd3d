"""Twilio's registry: the SDK against a local server that speaks TrustHub, brand registrations and campaigns."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import Mock, call

import pytest

from switchboard import telemetry
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.registrations import registry_name
from switchboard.carriers.registrations.ports.registry import (
    RegistrationOrder,
    RegistrationPart,
    RegistrationRefusedError,
    RegistryReview,
    ReviewPendingError,
)
from switchboard.carriers.registrations.twilio.attributes import business_attributes
from switchboard.carriers.registrations.twilio.registry import TwilioRegistry
from switchboard.carriers.twilio_subaccounts import save_subaccount
from tests.fakes.twilio import SUBACCOUNT, serve_twilio, twilio_error
from tests.unit.brands.desk import CAMPAIGN, PAYLOAD

ORG, PRIMARY, PROFILE_POLICY = "org_acme", "BU" + "f" * 32, "RNdfbf3fae0e1107f8aded0e7cead80bf5"
FACTS = PAYLOAD | {
    "display_name": "Lakeside Clinic", "ein": "123456789", "website": "https://lakeside.example.com",
    "first_name": "Ada", "last_name": "Lake", "business_title": "Owner", "job_position": "CEO",
    "business_type": "Partnership", "business_industry": "HEALTHCARE",
}  # fmt: skip
ORDER = RegistrationOrder(
    ORG, "brd_1", "switchboard org_acme 1", "2026-01-15T17:00:00.000Z", FACTS, {**CAMPAIGN, "optin_keywords": ["JOIN"]}
)
_PREFIXES = {
    "CustomerProfiles": "BU", "TrustProducts": "BU", "EndUsers": "IT", "SupportingDocuments": "RD", "Addresses": "AD",
    "EntityAssignments": "BV", "Evaluations": "EL", "BrandRegistrations": "BN", "Services": "MG", "Usa2p": "QE",
    "PhoneNumbers": "PN", "SmsOtp": "SO",
}  # fmt: skip
#: Where each list is in an answer.
_KEYS = {
    "BrandRegistrations": "data", "Services": "services", "Usa2p": "compliance", "Addresses": "addresses",
}  # fmt: skip
_STAMP = "2026-01-15T17:00:05Z"


class FakeTrustHub:
    """Twilio's things by kind and id. `fault` answers instead; with `after`, Twilio has done the request."""

    def __init__(self) -> None:
        self.things: dict[str, dict[str, dict[str, Any]]] = {}
        self.writes: Counter[str] = Counter()
        self.fault: Callable[[str], tuple[int, Any] | None] = lambda _: None
        self.after = False
        self.evaluation = "compliant"

    def answer(self, method: str, path: str, given: dict[str, str]) -> tuple[int, Any]:
        broken = self.fault(f"{method} {path}")
        if broken and not self.after:
            return broken
        done = self._answer(method, path, given)
        return broken or done

    def _answer(self, method: str, path: str, given: dict[str, str]) -> tuple[int, Any]:
        parts = path.removesuffix(".json").strip("/").split("/")
        if parts[0] == "2010-04-01" and len(parts) == 3:
            return 200, {"sid": parts[2], "auth_token": "subtoken"}
        parts = (
            parts[3:] if parts[0] == "2010-04-01" else [one for one in parts[1:] if one not in ("a2p", "Compliance")]
        )
        *_, last = parts
        if last in _PREFIXES:
            place = "/".join(parts)
            return self._make(place, last, given) if method == "POST" else self._list(place, last, given)
        return self._one(method, "/".join(parts[:-1]), last, given)

    def _make(self, place: str, kind: str, given: dict[str, str]) -> tuple[int, Any]:
        mine = self.things.setdefault(place, {})
        self.writes[f"make {kind}"] += 1
        number = sum(self.writes.values())
        sid = f"{_PREFIXES[kind]}{number:032x}"
        facts = {_snake(name): value for name, value in given.items()}
        mine[sid] = {"sid": sid, "date_updated": _STAMP, "status": "draft", "errors": [], **facts}
        if kind == "BrandRegistrations":
            mine[sid] |= {"status": "PENDING", "brand_feedback": []}
        if kind == "Usa2p":
            mine[sid] |= {"campaign_status": "IN_PROGRESS"}
        if kind == "Evaluations":
            gap = {"object_field": "business_name", "failure_reason": "It is too short.", "error_code": 22214}
            mine[sid] |= {"status": self.evaluation, "results": [{"invalid": [gap]}]}
        if kind == "PhoneNumbers":
            mine[sid] |= {"sid": given["PhoneNumberSid"]}
        return 201, mine[sid]

    def _list(self, place: str, kind: str, given: dict[str, str]) -> tuple[int, Any]:
        rows = list(self.things.get(place, {}).values())
        if name := given.get("FriendlyName"):
            rows = [row for row in rows if row["friendly_name"] == name]
        key = _KEYS.get(kind, "results")
        return 200, {
            key: rows,
            "page": 0,
            "meta": {"key": key, "page": 0, "page_size": 50, "url": "", "next_page_url": None},
        }

    def _one(self, method: str, place: str, sid: str, given: dict[str, str]) -> tuple[int, Any]:
        found = self.things.get(place, {}).get(sid)
        if found is None:
            return 404, twilio_error(20404, status=404)
        if method == "DELETE":
            self.writes[f"delete {place.rpartition('/')[2]}"] += 1
            del self.things[place][sid]
            return 204, None
        if method == "POST":
            self.writes[f"change {place.rpartition('/')[2]}"] += 1
            found |= {_snake(name): value for name, value in given.items()}
            if place.endswith("Usa2p"):
                found |= {"date_updated": "2026-01-16T17:00:00Z"}
            if place == "BrandRegistrations":
                found |= {"status": "PENDING", "date_updated": "2026-01-16T17:00:00Z"}
        return 200, found

    def only(self, kind: str) -> dict[str, Any]:
        """The only thing of a kind."""
        (found,) = [
            one for place, mine in self.things.items() if place.rpartition("/")[2] == kind for one in mine.values()
        ]
        return found

    def approve_bundles(self) -> None:
        for kind in ("CustomerProfiles", "TrustProducts"):
            for one in self.things.get(kind, {}).values():
                one["status"] = "twilio-approved"


def _snake(name: str) -> str:
    plain = name.replace("A2P", "A2p")
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in plain).lstrip("_")


@pytest.fixture
def hub(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTrustHub]:
    made = FakeTrustHub()
    with serve_twilio(made.answer, monkeypatch):
        monkeypatch.setenv("SWITCHBOARD_TWILIO_PRIMARY_PROFILE", PRIMARY)
        monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", "https://api.example.com")
        save_subaccount(ORG, SUBACCOUNT)
        yield made


def go_on(order: RegistrationOrder, part: RegistrationPart, until: str | None = None) -> RegistrationOrder:
    """Takes the steps of a part as the worker does, up to a step."""
    registry = TwilioRegistry()
    while (step := registry.next_step(order, part)) and step != until:
        sid = registry.perform_step(order, step)
        order = replace(order, sids={**order.sids, step: sid}, done=order.done | {step})
    return order


def register_all(hub: FakeTrustHub, order: RegistrationOrder = ORDER) -> RegistrationOrder:
    order = go_on(order, "brand", "customer_profile_approval")
    hub.approve_bundles()
    return go_on(go_on(order, "brand"), "campaign")


def test_a_company_is_registered_as_twilio_asks_for(hub: FakeTrustHub) -> None:
    order = register_all(hub)
    profile, a2p = order.sids["customer_profile"], order.sids["a2p_profile"]
    assert hub.things["CustomerProfiles"][profile]["policy_sid"] == PROFILE_POLICY
    assert hub.things["CustomerProfiles"][profile]["status_callback"].startswith(
        "https://api.example.com/twilio/a2p/org_acme/brd_1#"
    )
    inside = [one["object_sid"] for one in hub.things[f"CustomerProfiles/{profile}/EntityAssignments"].values()]
    assert inside == [order.sids[name] for name in ("business", "representative", "address_document")] + [PRIMARY]
    inside = [one["object_sid"] for one in hub.things[f"TrustProducts/{a2p}/EntityAssignments"].values()]
    assert inside == [order.sids["messaging"], profile]
    facts = json.loads(hub.things["EndUsers"][order.sids["business"]]["attributes"])
    assert (facts["business_name"], facts["business_registration_number"]) == ("Lakeside Clinic LLC", "123456789")
    # Each fact is the member's own: the registry compares them with its records.
    assert (facts["business_type"], facts["business_industry"]) == ("Partnership", "HEALTHCARE")
    assert json.loads(hub.things["EndUsers"][order.sids["messaging"]]["attributes"]) == {"company_type": "private"}
    brand = hub.only("BrandRegistrations")
    assert (brand["customer_profile_bundle_sid"], brand["a2p_profile_bundle_sid"]) == (profile, a2p)
    assert hub.only("Services")["use_inbound_webhook_on_number"] in ("True", "true")
    campaign = hub.only("Usa2p")
    assert (campaign["us_app_to_person_usecase"], campaign["brand_registration_sid"]) == ("CUSTOMER_CARE", brand["sid"])
    assert campaign["opt_in_keywords"] == "JOIN"


@pytest.mark.parametrize(
    ("country", "kind"), [(None, "EIN"), ("US", "EIN"), ("CA", "CBN"), ("DE", "VAT"), ("RO", "VATRN"), ("BR", "Other")]
)
def test_the_country_of_a_tax_number_gives_its_kind(country: str | None, kind: str) -> None:
    assert business_attributes(FACTS | {"ein_issuing_country": country})["business_registration_identifier"] == kind


def test_every_step_finds_what_an_earlier_run_made(hub: FakeTrustHub) -> None:
    """Each step runs twice with the same facts, as after a kill before its id was recorded."""
    registry, order = TwilioRegistry(), ORDER
    parts: tuple[RegistrationPart, ...] = ("brand", "campaign")
    for part in parts:
        while step := registry.next_step(order, part):
            if step == "customer_profile_approval":
                hub.approve_bundles()
            first = registry.perform_step(order, step)
            again = registry.perform_step(order, step)
            assert again == first or step.endswith("_evaluation"), step
            order = replace(order, sids={**order.sids, step: first}, done=order.done | {step})
    made = {name: number for name, number in hub.writes.items() if name.startswith("make")}
    assert made == {
        "make CustomerProfiles": 1, "make TrustProducts": 1, "make EndUsers": 3, "make Addresses": 1,
        "make SupportingDocuments": 1, "make EntityAssignments": 6, "make Evaluations": 4, "make BrandRegistrations": 1,
        "make Services": 1, "make Usa2p": 1,
    }  # fmt: skip


def test_an_answer_that_is_lost_has_an_unknown_outcome(hub: FakeTrustHub) -> None:
    hub.fault, hub.after = lambda request: (0, None) if request == "POST /v1/CustomerProfiles" else None, True
    with pytest.raises(OutcomeUnknownError):
        TwilioRegistry().perform_step(ORDER, "customer_profile")
    hub.fault = lambda _: None
    assert TwilioRegistry().perform_step(ORDER, "customer_profile") == hub.only("CustomerProfiles")["sid"]


@pytest.mark.parametrize(
    ("status", "error"), [(429, ThrottledError), (401, ThrottledError), (500, OutcomeUnknownError), (400, RefusedError)]
)
def test_errors_of_twilio(hub: FakeTrustHub, status: int, error: type[Exception]) -> None:
    hub.fault = lambda request: (status, twilio_error(22000, "no", status)) if request == "POST /v1/EndUsers" else None
    with pytest.raises(error):
        TwilioRegistry().perform_step(ORDER, "business")


def test_a_bundle_that_is_not_complete_is_refused_with_its_gaps(hub: FakeTrustHub) -> None:
    hub.evaluation = "noncompliant"
    with pytest.raises(RegistrationRefusedError) as refused:
        go_on(ORDER, "brand")
    assert [(issue.code, issue.field) for issue in refused.value.issues] == [("22214", "business_name")]


def test_the_brand_waits_for_the_review_of_its_bundles(hub: FakeTrustHub) -> None:
    order = go_on(ORDER, "brand", "customer_profile_approval")
    with pytest.raises(ReviewPendingError):
        go_on(order, "brand")
    hub.only("CustomerProfiles").update(
        status="twilio-rejected", errors=[{"code": 22215, "description": "No such business.", "fields": ["ein"]}]
    )
    with pytest.raises(RegistrationRefusedError) as refused:
        go_on(order, "brand")
    assert [(issue.code, issue.field) for issue in refused.value.issues] == [("22215", "ein")]


def test_a_rejected_brand_is_submitted_again_once_with_new_facts(hub: FakeTrustHub) -> None:
    order = register_all(hub)
    hub.only("BrandRegistrations").update(status="FAILED", brand_feedback=["TAX_ID"])
    review = TwilioRegistry().fetch_review(order, "brand")
    assert (review.outcome, [(issue.code, issue.field) for issue in review.issues]) == ("rejected", [("TAX_ID", "ein")])
    again = replace(order, done=frozenset(), begun_at="2026-01-15T18:00:00.000Z", brand={**FACTS, "ein": "133456789"})
    hub.writes.clear()
    again = register_all(hub, again)
    again = replace(again, done=again.done - {"brand"})
    go_on(again, "brand")
    assert hub.writes["change BrandRegistrations"] == 1
    assert not [name for name in hub.writes if name.startswith("make") and name != "make Evaluations"]
    assert "133456789" in hub.things["EndUsers"][order.sids["business"]]["attributes"]


def test_what_twilio_no_longer_has_is_made_again(hub: FakeTrustHub) -> None:
    order = register_all(hub)
    for place in ("BrandRegistrations", "Services", f"Services/{order.sids['messaging_service']}/Usa2p"):
        hub.things[place].clear()
    assert [TwilioRegistry().fetch_review(order, part).outcome for part in ("brand", "campaign")] == ["rejected"] * 2
    again = register_all(hub, replace(order, done=frozenset(), begun_at="2026-01-15T18:00:00.000Z"))
    assert again.sids["brand"] == hub.only("BrandRegistrations")["sid"] != order.sids["brand"]
    assert again.sids["messaging_service"] == hub.only("Services")["sid"] != order.sids["messaging_service"]
    assert hub.writes["make Usa2p"] == 2


def test_a_rejected_campaign_is_edited(hub: FakeTrustHub) -> None:
    order = register_all(hub)
    hub.only("Usa2p").update(
        campaign_status="FAILED", errors=[{"error_code": 30886, "description": "Why?"}], opt_in_keywords=["JOIN"]
    )
    review = TwilioRegistry().fetch_review(order, "campaign")
    assert (review.outcome, review.issues[0].code) == ("rejected", "30886")
    words = "Answers to patients of Lakeside Clinic who ask about their own appointments."
    again = replace(
        order, done=order.done - {"campaign", "messaging_service"}, begun_at="2026-01-15T18:00:00.000Z",
        campaign={**order.campaign, "description": words},
    )  # fmt: skip
    assert go_on(again, "campaign").sids["campaign"] == order.sids["campaign"]
    assert go_on(again, "campaign").sids["campaign"] == order.sids["campaign"]
    assert hub.only("Usa2p")["description"] == words
    assert (hub.writes["change Usa2p"], hub.writes["delete Usa2p"], hub.writes["make Services"]) == (1, 0, 1)


@pytest.mark.parametrize("change", [{"usecase": "MARKETING"}, {"optin_keywords": ["START"]}])
def test_a_rejected_campaign_with_another_purpose_is_made_again(hub: FakeTrustHub, change: dict[str, Any]) -> None:
    order = register_all(hub)
    hub.only("Usa2p").update(campaign_status="FAILED", opt_in_keywords=["JOIN"])
    again = replace(
        order, done=order.done - {"campaign", "messaging_service"}, begun_at="2026-01-15T18:00:00.000Z",
        campaign={**order.campaign, **change},
    )  # fmt: skip
    again = go_on(again, "campaign")
    assert again.sids["campaign"] != order.sids["campaign"]
    assert hub.only("Usa2p")["sid"] == again.sids["campaign"]
    assert hub.writes["make Services"] == 1


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [("IN_PROGRESS", "pending", None), ("SUSPENDED", "rejected", "30990"), ("HALTED", "pending", None)],
)
def test_verdicts_about_a_campaign(
    hub: FakeTrustHub, monkeypatch: pytest.MonkeyPatch, status: str, outcome: str, code: str | None
) -> None:
    order = register_all(hub)
    hub.only("Usa2p")["campaign_status"] = status
    counted = Mock()
    monkeypatch.setattr(telemetry, "emit_metric", counted)
    review = TwilioRegistry().fetch_review(order, "campaign")
    assert (review.outcome, [one.code for one in review.issues]) == (outcome, [code] if code else [])
    assert counted.call_args_list == ([call("RegistryStatusUnknown")] if status == "HALTED" else [])


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("PENDING", "pending"), ("IN_REVIEW", "pending"), ("APPROVED", "approved"), ("SUSPENDED", "rejected")],
)
def test_verdicts_about_a_brand(hub: FakeTrustHub, status: str, outcome: str) -> None:
    order = register_all(hub)
    hub.only("BrandRegistrations")["status"] = status
    assert TwilioRegistry().fetch_review(order, "brand").outcome == outcome
    hub.only("Usa2p")["campaign_status"] = "VERIFIED"
    assert TwilioRegistry().fetch_review(order, "campaign") == RegistryReview("approved")


def test_a_sole_proprietor_has_other_policies_and_no_company(hub: FakeTrustHub) -> None:
    sole = {**FACTS, "entity_type": "SOLE_PROPRIETOR"}
    register_all(hub, replace(ORDER, brand=sole))
    assert hub.only("BrandRegistrations")["brand_type"] == "SOLE_PROPRIETOR"
    order = replace(ORDER, sids={"brand": hub.only("BrandRegistrations")["sid"]}, brand=sole)
    hub.only("BrandRegistrations").update(status="APPROVED", identity_status="UNVERIFIED")
    review = TwilioRegistry().fetch_review(order, "brand")
    assert (review.outcome, [issue.code for issue in review.issues]) == ("pending", ["verification_needed"])
    TwilioRegistry().send_verification(order)
    assert hub.writes["make SmsOtp"] == 1
    hub.only("BrandRegistrations").update(identity_status="VERIFIED")
    assert TwilioRegistry().fetch_review(order, "brand") == RegistryReview("approved")
    kinds = {one["type"] for one in hub.things["EndUsers"].values()}
    assert kinds == {"starter_customer_profile_information", "sole_proprietor_information"}


def test_a_number_joins_the_service_also_twice(hub: FakeTrustHub) -> None:
    order, registry = register_all(hub), TwilioRegistry()
    registry.add_number(order, "PN" + "1" * 32)
    hub.fault = lambda request: (409, twilio_error(21710, status=409)) if request.endswith("/PhoneNumbers") else None
    registry.add_number(order, "PN" + "1" * 32)
    hub.fault = lambda request: (409, twilio_error(21712, status=409)) if request.endswith("/PhoneNumbers") else None
    with pytest.raises(RefusedError):
        registry.add_number(order, "PN" + "1" * 32)
    with pytest.raises(RefusedError):
        registry.add_number(ORDER, "PN" + "1" * 32)


def test_an_organization_without_a_number_has_no_account(hub: FakeTrustHub) -> None:
    with pytest.raises(RegistrationRefusedError, match="buy a local number"):
        TwilioRegistry().perform_step(replace(ORDER, org_id="org_new"), "customer_profile")


def test_twilio_registers_only_below_a_primary_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_NUMBERS_CARRIER", "twilio")
    monkeypatch.delenv("SWITCHBOARD_TWILIO_PRIMARY_PROFILE", raising=False)
    assert registry_name() == "none"
    monkeypatch.setenv("SWITCHBOARD_TWILIO_PRIMARY_PROFILE", PRIMARY)
    assert registry_name() == "twilio"
