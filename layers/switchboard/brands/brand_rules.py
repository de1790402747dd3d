"""The rules of the registry for a brand (docs/contracts/providers.md#10dlc). Pure: all problems at once, by field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from switchboard.brands.checks import (
    Check,
    check_country,
    check_email,
    check_flag,
    check_phone,
    check_url,
    matches,
    one_of,
    text_of,
)
from switchboard.brands.places import AMERICAN_STATES, CANADIAN_PROVINCES, COUNTRIES, UNUSED_EIN_PREFIXES, to_words

SOLE_PROPRIETOR, PUBLIC = "SOLE_PROPRIETOR", "PUBLIC_PROFIT"
ENTITY_TYPES = frozenset({"PRIVATE_PROFIT", PUBLIC, "NON_PROFIT", "GOVERNMENT", SOLE_PROPRIETOR})
VERTICALS = to_words(
    "PROFESSIONAL REAL_ESTATE HEALTHCARE HUMAN_RESOURCES ENERGY ENTERTAINMENT RETAIL TRANSPORTATION AGRICULTURE"
    " INSURANCE POSTAL EDUCATION HOSPITALITY FINANCIAL POLITICAL GAMBLING LEGAL CONSTRUCTION NGO MANUFACTURING"
    " GOVERNMENT TECHNOLOGY COMMUNICATION"
)
#: The legal forms and the industries that Twilio's TrustHub knows.
BUSINESS_TYPES = frozenset(
    {
        *("Co-operative", "Corporation", "Limited Liability Corporation", "Non-profit Corporation", "Partnership"),
        "Sole Proprietorship",
    }
)
_NON_PROFIT_CORPORATION = "Non-profit Corporation"
INDUSTRIES = to_words(
    "AGRICULTURE AUTOMOTIVE BANKING CONSUMER EDUCATION ELECTRONICS ENERGY ENGINEERING FAST_MOVING_CONSUMER_GOODS"
    " FINANCIAL FINTECH FOOD_AND_BEVERAGE GOVERNMENT HEALTHCARE HOSPITALITY INSURANCE JEWELRY LEGAL MANUFACTURING"
    " MEDIA NOT_FOR_PROFIT OIL_AND_GAS ONLINE RAW_MATERIALS REAL_ESTATE RELIGION RETAIL TECHNOLOGY"
    " TELECOMMUNICATIONS TRANSPORTATION TRAVEL"
)
RELATIONSHIPS = frozenset({"BASIC_ACCOUNT", "SMALL_ACCOUNT", "MEDIUM_ACCOUNT", "LARGE_ACCOUNT", "KEY_ACCOUNT"})
EXCHANGES = to_words(
    "NASDAQ NYSE AMEX AMX ASX B3 BME BSE FRA ICEX JPX JSE KRX LON NSE OMX SEHK SGX SSE STO SWX SZSE TSX TWSE VSE OTHER"
)
MISSING = "is missing"
_EIN = matches(r"[0-9]{9}", "must have nine digits, such as 12-3456789")
_FOREIGN_TAX_NUMBER = matches(r"[A-Za-z0-9]{4,21}", "must have 4 to 21 letters and digits")

_CHECKS: dict[str, Check] = {
    "entity_type": one_of(ENTITY_TYPES),
    "display_name": text_of(1, 255),
    "company_name": text_of(1, 255),
    "ein_issuing_country": check_country,
    "phone": check_phone,
    "street": text_of(1, 100),
    "city": text_of(1, 100),
    "state": text_of(1, 20),
    "postal_code": text_of(1, 10),
    "country": check_country,
    "email": check_email,
    "website": check_url,
    "brand_relationship": one_of(RELATIONSHIPS),
    "vertical": one_of(VERTICALS),
    "business_type": one_of(BUSINESS_TYPES),
    "business_industry": one_of(INDUSTRIES),
    "stock_symbol": matches(r"[A-Za-z0-9.:-]{1,10}", "must be a stock symbol, such as ACME"),
    "stock_exchange": one_of(EXCHANGES),
    "alt_business_id_type": one_of(frozenset({"DUNS", "LEI", "GIIN"})),
    "mobile_phone": check_phone,
    "first_name": text_of(1, 100),
    "last_name": text_of(1, 100),
    "business_title": text_of(1, 100),
    "job_position": text_of(1, 100),
    "reference_id": matches(r"[A-Za-z0-9_.:-]{1,50}", "must have 1 to 50 letters, digits, dots, colons and hyphens"),
    "mock": check_flag,
}
_REQUIRED = (
    *("entity_type", "display_name", "phone", "street", "city", "state", "postal_code", "country", "email"),
    "brand_relationship",
)
_OF_COMPANIES = ("company_name", "ein", "vertical")
_NOT_OF_PROPRIETORS = ("company_name", "business_type", "business_industry")
_HOMES_OF_PROPRIETORS = ("US", "CA")
_STATES: dict[str, tuple[frozenset[str], str]] = {
    "US": (AMERICAN_STATES, "must be a state with two letters, such as CA"),
    "CA": (CANADIAN_PROVINCES, "must be a province with two letters, such as ON"),
}
_POSTAL_CODES: dict[str, Check] = {
    "US": matches(r"[0-9]{5}", "must have five digits, such as 94105"),
    "CA": matches(r"[A-Za-z][0-9][A-Za-z] ?[0-9][A-Za-z][0-9]", "must be a postal code, such as M5V 2T6"),
}
_BUSINESS_IDS: dict[str, Check] = {
    "DUNS": matches(r"[0-9]{9}", "must have nine digits, as a DUNS number has"),
    "LEI": matches(r"[A-Z0-9]{18}[0-9]{2}", "must have 20 letters and digits, as an LEI has"),
    "GIIN": matches(r"[A-Z0-9]{6}\.[A-Z0-9]{5}\.[A-Z]{2}\.[0-9]{3}", "must look like 98Q96B.00000.LE.250, as a GIIN"),
}


def find_brand_problems(
    facts: Mapping[str, Any],
    required: Collection[str] = frozenset(),
    test_eins: Collection[str] = frozenset(),
) -> dict[str, str]:
    """Returns what is wrong with a brand, by field. `required` are fields that this registry needs of companies."""
    entity = facts["entity_type"] if isinstance(facts.get("entity_type"), str) else None
    wanted = [*_REQUIRED]
    if entity == SOLE_PROPRIETOR:
        wanted += ["first_name", "last_name"]
    else:
        wanted += [*_OF_COMPANIES, *sorted(required)]
    if entity == PUBLIC:
        wanted += ["stock_symbol", "stock_exchange"]
    problems = {name: MISSING for name in wanted if name not in facts}
    for name, check in _CHECKS.items():
        if name in facts and (problem := check(facts[name])):
            problems[name] = problem
    found = _find_place_problems(facts) | _find_needless(facts, entity)
    return _find_business_problems(facts, entity) | _find_id_problems(facts, test_eins) | found | problems


def _find_business_problems(facts: Mapping[str, Any], entity: str | None) -> dict[str, str]:
    """Returns the facts about the business that contradict each other, or that no network takes."""
    problems: dict[str, str] = {}
    if facts.get("vertical") == "GAMBLING":
        problems["vertical"] = "is refused: American networks block texts about gambling"
    kind = facts.get("business_type")
    if not isinstance(kind, str) or kind not in BUSINESS_TYPES:
        return problems
    if entity == "NON_PROFIT" and kind != _NON_PROFIT_CORPORATION:
        problems["business_type"] = f"must be {_NON_PROFIT_CORPORATION} for NON_PROFIT"
    if kind == _NON_PROFIT_CORPORATION and entity in ("PRIVATE_PROFIT", PUBLIC):
        problems["business_type"] = f"is for NON_PROFIT and GOVERNMENT only: choose the legal form of a {entity}"
    return problems


def _find_needless(facts: Mapping[str, Any], entity: str | None) -> dict[str, str]:
    """Returns the fields that another kind of business has."""
    problems: dict[str, str] = {}
    if entity == SOLE_PROPRIETOR:
        problems |= {name: "is not for a sole proprietor: remove it" for name in _NOT_OF_PROPRIETORS if name in facts}
        if "ein" in facts:
            problems["ein"] = (
                "is not for a sole proprietor: a business with a tax number registers as PRIVATE_PROFIT, so change"
                " entity_type"
            )
        if facts.get("country") in COUNTRIES - {*_HOMES_OF_PROPRIETORS}:
            problems["country"] = "must be US or CA for a sole proprietor: elsewhere a business registers as a company"
    elif "mobile_phone" in facts:
        problems["mobile_phone"] = "is for a sole proprietor only: remove it"
    if entity in ENTITY_TYPES - {PUBLIC}:
        stock = ("stock_symbol", "stock_exchange")
        problems |= {name: "is for PUBLIC_PROFIT only: remove it" for name in stock if name in facts}
    return problems


def _find_place_problems(facts: Mapping[str, Any]) -> dict[str, str]:
    problems: dict[str, str] = {}
    country = facts.get("country")
    # With a wrong country, an address that fits none of these is wrong, too: the caller learns all at once.
    places = [*_STATES] if check_country(country) else [place for place in _STATES if place == country]
    if not places:
        return problems
    state = facts.get("state")
    if state is not None and not any(state in [*_STATES[place][0]] for place in places):
        problems["state"] = _STATES[places[0]][1]
    wrong = [_POSTAL_CODES[place](facts["postal_code"]) for place in places if "postal_code" in facts]
    if wrong and all(wrong):
        problems["postal_code"] = str(wrong[0])
    return problems


def _find_id_problems(facts: Mapping[str, Any], test_eins: Collection[str]) -> dict[str, str]:
    problems: dict[str, str] = {}
    if "ein" in facts and (problem := _check_ein(facts, test_eins)):
        problems["ein"] = problem
    kind, number = facts.get("alt_business_id_type"), facts.get("alt_business_id")
    if number is not None and kind is None:
        problems["alt_business_id_type"] = "is missing: send it with alt_business_id"
    if kind is not None and number is None:
        problems["alt_business_id"] = "is missing: send it with alt_business_id_type"
    if number is not None and isinstance(kind, str) and kind in _BUSINESS_IDS:
        wrong = _BUSINESS_IDS[kind](number)
        problems |= {"alt_business_id": wrong} if wrong else {}
    return problems


def _check_ein(facts: Mapping[str, Any], test_eins: Collection[str]) -> str | None:
    ein = facts["ein"]
    if facts.get("ein_issuing_country", "US") != "US":
        return _FOREIGN_TAX_NUMBER(ein)
    if problem := _EIN(ein):
        return problem
    if ein[:2] in UNUSED_EIN_PREFIXES and ein not in test_eins:
        return f"begins with {ein[:2]}, and no tax number does: check it"
    return None
