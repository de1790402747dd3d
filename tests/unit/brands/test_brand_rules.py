"""The rules of the registry for brands."""

from __future__ import annotations

from typing import Any

from switchboard.brands.brand_rules import MISSING, find_brand_problems
from switchboard.brands.fields import brand_facts
from tests.tables import each
from tests.unit.brands.desk import PAYLOAD, TOP

SOLE = {
    "entity_type": "SOLE_PROPRIETOR", "company_name": None, "vertical": None, "ein": None, "first_name": "Ada",
    "last_name": "L",
}  # fmt: skip
PUBLIC = {"entity_type": "PUBLIC_PROFIT", "stock_symbol": "LAKE", "stock_exchange": "NASDAQ"}
CANADA = {"country": "CA", "state": "ON", "postal_code": "M5V 2T6", "ein": "123456789RC", "ein_issuing_country": "CA"}


def problems_of(**changes: Any) -> dict[str, str]:
    top = {name: changes.pop(name, value) for name, value in TOP.items()}
    return find_brand_problems(brand_facts(top, PAYLOAD | changes), test_eins={"000000000"})


@each(
    "changes",
    [
        {},
        {"entity_type": "private_profit"},
        {"entity_type": "NON_PROFIT"},
        {"entity_type": "GOVERNMENT"},
        PUBLIC,
        SOLE,
        SOLE | {"mobile_phone": "+14155550143", "vertical": "LEGAL"},
        SOLE | {"country": "CA", "state": "ON", "postal_code": "M5V 2T6"},
        CANADA,
        {"ein": "123456789"},
        {"ein": "000000000"},
        {"website": None},
        {"postal_code": "94105-1234"},
        {"country": "DE", "state": "Bavaria", "postal_code": "80331", "phone": "+4930901820"},
        {"alt_business_id": "123456789", "alt_business_id_type": "DUNS"},
        {"alt_business_id": "5493001KJTIIGC8Y1R12", "alt_business_id_type": "LEI"},
        {"alt_business_id": "98Q96B.00000.LE.250", "alt_business_id_type": "GIIN"},
        {"mock": True, "reference_id": "clinic-7"},
        {"business_type": "Partnership", "business_industry": "healthcare"},
        {"entity_type": "NON_PROFIT", "business_type": "Non-profit Corporation"},
        {"entity_type": "GOVERNMENT", "business_type": "Non-profit Corporation"},
    ],
)
def test_a_complete_brand_has_no_problem(changes: dict[str, Any]) -> None:
    assert problems_of(**changes) == {}


@each(
    "changes, wrong",
    [
        *(({name: None}, {name}) for name in PAYLOAD if name != "entity_type"),
        ({"display_name": None}, {"display_name"}),
        ({"display_name": "  "}, {"display_name"}),
        ({"ein": None}, {"ein"}),
        ({"entity_type": None}, {"entity_type"}),
        ({"entity_type": "LLC"}, {"entity_type"}),
        ({"entity_type": ["PRIVATE_PROFIT"]}, {"entity_type"}),
        ({"ein": "12345678"}, {"ein"}),
        ({"ein": "1234567890"}, {"ein"}),
        ({"ein": "12-345678X"}, {"ein"}),
        ({"ein": "07-3456789"}, {"ein"}),
        ({"ein": "97-3456789"}, {"ein"}),
        ({"ein": "١٢٣٤٥٦٧٨٩"}, {"ein"}),
        ({"ein_issuing_country": "USA"}, {"ein_issuing_country"}),
        ({"phone": "415-555-0142"}, {"phone"}),
        ({"state": "California"}, {"state"}),
        ({"state": "XX"}, {"state"}),
        ({"state": 5}, {"state"}),
        ({"postal_code": "9410"}, {"postal_code"}),
        ({"postal_code": 94105}, {"postal_code"}),
        ({"country": "USA"}, {"country"}),
        ({"country": ["US"]}, {"country"}),
        ({"country": "ZZ"}, {"country"}),
        ({"country": "USA", "state": "California", "postal_code": "941"}, {"country", "state", "postal_code"}),
        ({"country": None, "state": ["CA"], "postal_code": "941"}, {"country", "state", "postal_code"}),
        ({"country": "CAN", "state": "ON", "postal_code": "M5V 2T6"}, {"country"}),
        ({"email": "office"}, {"email"}),
        ({"email": 7}, {"email"}),
        ({"website": "lakeside"}, {"website"}),
        ({"website": "ftp://lakeside.example.com"}, {"website"}),
        ({"website": "https://user@lakeside.example.com"}, {"website"}),
        ({"website": "https://[::1"}, {"website"}),
        ({"brand_relationship": "FRIEND"}, {"brand_relationship"}),
        ({"vertical": "SHOES"}, {"vertical"}),
        ({"stock_symbol": "LAKE"}, {"stock_symbol"}),
        ({"stock_symbol": "LAKE", "stock_exchange": "NYSE"}, {"stock_symbol", "stock_exchange"}),
        (PUBLIC | {"stock_symbol": None}, {"stock_symbol"}),
        (PUBLIC | {"stock_exchange": "LAKE"}, {"stock_exchange"}),
        ({"vertical": "GAMBLING"}, {"vertical"}),
        ({"business_type": "LLC"}, {"business_type"}),
        ({"business_type": ["Partnership"]}, {"business_type"}),
        ({"business_type": "Non-profit Corporation"}, {"business_type"}),
        ({"entity_type": "NON_PROFIT", "business_type": "Partnership"}, {"business_type"}),
        ({"business_industry": "PROFESSIONAL"}, {"business_industry"}),
        (SOLE | {"business_type": "Partnership"}, {"business_type"}),
        (SOLE | {"company_name": "LLC"}, {"company_name"}),
        (SOLE | {"ein": "12-3456789"}, {"ein"}),
        (SOLE | {"country": "DE", "state": "Bavaria", "postal_code": "80331"}, {"country"}),
        (SOLE | {"mobile_phone": "555"}, {"mobile_phone"}),
        ({"mobile_phone": "+14155550143"}, {"mobile_phone"}),
        (SOLE | {"first_name": None, "last_name": None}, {"first_name", "last_name"}),
        (CANADA | {"state": "CA"}, {"state"}),
        (CANADA | {"postal_code": "94105"}, {"postal_code"}),
        (CANADA | {"ein": "1 2"}, {"ein"}),
        ({"alt_business_id": "123456789"}, {"alt_business_id_type"}),
        ({"alt_business_id_type": "DUNS"}, {"alt_business_id"}),
        ({"alt_business_id": "1234", "alt_business_id_type": "DUNS"}, {"alt_business_id"}),
        ({"alt_business_id": "1234", "alt_business_id_type": 7}, {"alt_business_id_type"}),
        ({"alt_business_id": "123456789", "alt_business_id_type": "VAT"}, {"alt_business_id_type"}),
        ({"mock": "yes"}, {"mock"}),
        ({"company_name": "x" * 256}, {"company_name"}),
    ],
)
def test_each_wrong_field_is_named(changes: dict[str, Any], wrong: set[str]) -> None:
    assert problems_of(**changes).keys() == wrong


def test_an_empty_brand_lacks_all_required_fields_at_once() -> None:
    found = find_brand_problems({}, {"job_position"})
    assert set(found.values()) == {MISSING}
    assert found.keys() == {*PAYLOAD, "display_name", "ein", "job_position"}


def test_no_other_registry_knows_the_tax_numbers_of_tests() -> None:
    assert "ein" in find_brand_problems(brand_facts(TOP | {"ein": "000000000"}, PAYLOAD))


def test_the_registry_gets_the_five_digits_of_a_zip_code() -> None:
    assert brand_facts(TOP, PAYLOAD | {"postal_code": "94105-1234"})["postal_code"] == "94105"


def test_camel_case_and_the_words_of_twilio_are_the_same_fields() -> None:
    facts = brand_facts(
        {"ein": "12 3456789"}, {"entityType": "PUBLIC_PROFIT", "postalCode": " 94105 ", "stockTicker": "A"}
    )
    assert facts == {
        "ein": "123456789",
        "entity_type": "PUBLIC_PROFIT",
        "postal_code": "94105",
        "stock_symbol": "A",
    }
