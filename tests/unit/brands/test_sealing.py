"""Tax numbers in a payload, which no one sees in full after the submission."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.brands import drafts, sealing, service
from switchboard.team.models import Member
from tests.unit.brands.desk import PAYLOAD, TOP, save_drafts
from tests.unit.brands.doubles import FakeRegistry
from tests.unit.call_records.desk import ask_as

#: Places where a client may have put a tax number, and how it is shown.
PLACES: dict[str, Any] = {
    "EIN": "12-3456789",
    "taxId": 123456789,
    "company": {"ein": "12-3456789", "tax": {"FederalTaxId": ["12 3456789"]}},
    "notes": ["Our number is 12-3456789, as you know.", {"more": "12.3456789"}],
    "businessRegistrationNumber": "98-7654321",
}
SHOWN: dict[str, Any] = {
    "EIN": "******6789",
    "taxId": "*****6789",
    "company": {"ein": "******6789", "tax": {"FederalTaxId": ["******6789"]}},
    "notes": ["Our number is ******6789, as you know.", {"more": "******6789"}],
    "businessRegistrationNumber": "******4321",
}


@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_tax_number_is_masked_wherever_it_stands(place: str) -> None:
    assert sealing.mask_payload({place: PLACES[place]}, "12-3456789") == {place: SHOWN[place]}


def test_nothing_else_is_masked() -> None:
    kept = {**PAYLOAD, "reference_id": "A1234567890", "count": 1.5, "mock": True, "none": None, "ids": ["1234567891"]}
    assert sealing.mask_payload(kept, "12-3456789") == kept
    assert sealing.mask_payload({"city": "Reno", "note": "NV"}, None) == {"city": "Reno", "note": "NV"}
    assert sealing.mask_payload({"note": "1234"}, "1234") == {"note": "1234"}


def test_a_submitted_brand_shows_no_tax_number_and_takes_its_view_back(ada: Member, registry: FakeRegistry) -> None:
    save_drafts(ada, **PLACES)
    ask = ask_as(ada, "hum/brands")
    assert "3456789" in json.dumps(ask("GET", "/brands")[1])
    status, sent = ask("POST", "/brands/submit")
    assert status == 200
    for text in (json.dumps(sent), json.dumps(ask("GET", "/brands")[1])):
        assert not {"3456789", "7654321"} & {*text.replace("-", " ").replace('"', " ").split()}
        assert "123456789" not in text
    assert sent["brand"]["payload"] == PAYLOAD | SHOWN
    assert service.facts_of_brand(service.get_brand(ada.org_id))["ein"] == "123456789"


def test_masked_numbers_that_come_back_change_nothing(ada: Member) -> None:
    before = drafts.save_brand(ada, {**TOP, "payload": PAYLOAD | PLACES})
    assert drafts.save_brand(ada, {"ein": "******6789", "payload": PAYLOAD | SHOWN}) == before
    after = drafts.save_brand(ada, {"payload": {"notes": [*SHOWN["notes"], "new"], "taxId": None, "EIN": "13-1111111"}})
    payload = sealing.open_payload(after)
    assert payload["notes"] == [*PLACES["notes"], "new"]
    assert "taxId" not in payload
    assert payload["EIN"] == "13-1111111"
